"""How passwords are hashed and checked."""

from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    get_hashers,
    identify_hasher,
    make_password,
    must_update_salt,
)
from django.views.decorators.debug import sensitive_variables

from accounts.models import User


class Argon2(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one thread, as OWASP recommends for servers.

    Django's own defaults take eight times the CPU and five times the memory, of each process.
    """

    time_cost, memory_cost, parallelism = 2, 19 * 1024, 1


@sensitive_variables()
def is_right(password: str, user: User | None) -> bool:
    """Whether it is the password of this active user.

    A refusal takes the work of every hasher, whether or not there is a user, and whichever hashed
    their password. So the time it takes doesn't tell who has an account.
    """
    encoded = user.password if user else ""
    own = _hasher_of(encoded)
    right = own is not None and own.verify(password, encoded)
    if right and user is not None and user.is_active:
        return True
    if own:
        # An old hash may have taken fewer rounds than a new one.
        own.harden_runtime(password, encoded)
    for hasher in get_hashers():
        if own is None or hasher.algorithm != own.algorithm:
            hasher.encode(password, hasher.salt())
    return False


@sensitive_variables()
def renewed(password: str, user: User) -> str:
    """The hash that is to replace an old one of this password; empty if it is as new ones are.

    It has the same salt, by which what is known of this password is still known.
    """
    preferred, own = get_hashers()[0], _hasher_of(user.password)
    is_old = own is None or own.algorithm != preferred.algorithm
    if not (is_old or preferred.must_update(user.password)):
        return ""
    salt = salt_of(user.password) if own else ""
    return make_password(password, "" if must_update_salt(salt, preferred.salt_entropy) else salt)


def salt_of(encoded: str) -> str:
    """What is new with each password that a user sets, and stays when its hash is renewed."""
    own = _hasher_of(encoded)
    return str(own.decode(encoded)["salt"]) if own else encoded


def _hasher_of(encoded: str):  # type: ignore[no-untyped-def] # the stubs have no common class
    try:
        return identify_hasher(encoded)
    except ValueError:
        return None
