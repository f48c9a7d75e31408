"""Who uses the platform."""

import secrets
from typing import Any, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.addresses import AddressField
from common.fields import ExactCharField, mark
from common.models import LockingQuerySet, UUIDModel
from common.words import LONGEST_WORD
from common.zones import time_zones
from notices.models import Notice

# The kinds of notice that an address gets which somebody wants to have.
LINK_KIND, TAKEN_KIND = "address_to_prove", "address_taken"


def new_referral_code() -> str:
    """A code that is hard to guess and easy to type."""
    return secrets.token_hex(5)


def validate_time_zone(name: str) -> None:
    """Refuse anything but the name of a time zone."""
    if name not in time_zones():
        raise ValidationError("There is no time zone with this name.", code="invalid_time_zone")


class UserQuerySet(LockingQuerySet):
    def as_found(self, user: "User") -> Self:
        """The user, unless their password has been changed since this one was found.

        By then the owner of the address may have taken the account over.
        """
        return self.filter(pk=user.pk, password=user.password)

    def of_referral_code(self, code: str) -> Self:
        """The user who invites others with this code, if there is one."""
        return self.filter(referral_code=code.strip().lower(), is_active=True)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)["User"]):  # type: ignore[misc]
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; the password is hashed, or unusable if there is none.

        Raises Django's `ValidationError`, which names each field that is wrong.
        """
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.clean_fields()
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """The same with every permission; an operator at the console vouches for the address."""
        flags = {"is_staff": True, "is_superuser": True, "proved_since": timezone.now()}
        return self.create_user(email, password, **flags, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=email or "")


class User(UUIDModel, AbstractBaseUser, PermissionsMixin):
    """Someone with an account.

    Emails go out about what happened from `proved_since` on, when an address of theirs was proved
    first; before that, only those by which it can be. `email_vouched` means that staff gave this
    address, and know whose account it is: proving it hands nothing over. `email_refused` means that
    the mail server refused this address for good: the reader's `mailbox` says why.
    """

    email = AddressField(unique=True)
    proved_since = models.DateTimeField(null=True, blank=True)
    email_vouched = models.BooleanField(default=False)
    email_refused = models.BooleanField(default=False)
    display_name = models.CharField(max_length=100)
    is_teacher = models.BooleanField(default=False)
    referral_code = ExactCharField(max_length=20, unique=True, default=new_referral_code)
    referred_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="referrals"
    )
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)
    # 1, or NULL: by an index on a flag itself, the catalogue would read every teacher first.
    teaching = mark(is_teacher=True)
    inactive = mark(is_active=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["display_name"]

    objects = UserManager()

    class Meta:
        db_table = "users"
        # What staff filter by and search in: few rows of many, or the newest.
        indexes = [
            models.Index(fields=["is_staff"], name="users_staff"),
            models.Index(fields=["email_refused"], name="users_refused"),
            models.Index(fields=["proved_since"], name="users_proved"),
            models.Index(fields=["date_joined"], name="users_joined"),
            models.Index(fields=["display_name"], name="users_named"),
            models.Index(fields=["teaching", "date_joined"], name="users_by_teaching"),
            models.Index(fields=["inactive", "date_joined"], name="users_by_inactive"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="users_email_lower"
            ),
            models.CheckConstraint(
                condition=models.Q(referred_by__isnull=True)
                | ~models.Q(referred_by=models.F("id")),
                name="users_not_self_referred",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_active_teacher(self) -> bool:
        """Whether this user can teach at all: made a teacher, and not deactivated."""
        return self.is_active and self.is_teacher

    @property
    def email_proved(self) -> bool:
        """Whether this user has shown that emails to this address reach them."""
        return self.proved_since is not None

    @property
    def new_email(self) -> str:
        """The address that will replace this one once it is proved; empty if there is none."""
        change = getattr(self, "address_change", None)
        return change.email if change and change.is_waiting else ""

    @property
    def new_email_refused(self) -> bool:
        """Whether no email could be delivered to the address that is to replace this one."""
        return bool(self.new_email) and self.address_change.is_refused

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name


class NameWord(models.Model):
    """A word of a teacher's name, folded, by which their courses are found."""

    pk = models.CompositePrimaryKey("word", "user")
    word = ExactCharField(max_length=LONGEST_WORD)
    user = models.ForeignKey(User, models.CASCADE, related_name="name_words")

    class Meta:
        db_table = "user_words"

    def __str__(self) -> str:
        return self.word


class Introduction(models.Model):
    """What a teacher shows of themselves to everyone: a photo, and words in Markdown.

    `html` is what the words say, made when they were saved. Beside the user, who is read with every
    request.
    """

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="introduction")
    photo = models.ImageField(upload_to="teachers", blank=True)
    words = models.TextField(blank=True)
    html = models.TextField(blank=True)

    class Meta:
        db_table = "introductions"

    def __str__(self) -> str:
        return str(self.user_id)


class ExpiringQuerySet(models.QuerySet):
    def live(self) -> Self:
        return self.filter(expires_at__gt=timezone.now())


class AddressChange(models.Model):
    """The address that a user wants instead: theirs once it is proved, until `expires_at`.

    A new password ends it, however that is set: `asked_with` is derived from the old one. So nobody
    can prepare a change and carry it out after the owner has thrown them out.
    """

    user = models.OneToOneField(
        User, models.CASCADE, primary_key=True, related_name="address_change"
    )
    email = AddressField()
    asked_with = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    objects = ExpiringQuerySet.as_manager()

    class Meta:
        db_table = "address_changes"

    def __str__(self) -> str:
        return self.email

    @property
    def is_waiting(self) -> bool:
        """Whether proving the address would still change it."""
        same = constant_time_compare(self.asked_with, self.user.get_session_auth_hash())
        return same and self.expires_at > timezone.now()

    @property
    def is_refused(self) -> bool:
        """Whether the last email that went there could not be delivered.

        If the address belongs to somebody else, that is theirs: both cases have to look the same.
        """
        owner = User.objects.filter(email=self.email).exclude(pk=self.user_id).first()
        told = Notice.objects.filter(reader=owner or self.user_id)
        if owner:
            sent = told.filter(kind=TAKEN_KIND)
        else:
            sent = told.filter(kind=LINK_KIND, facts__email=self.email)
        last = sent.order_by("-pk").first()
        return last is not None and last.mail in (Notice.Mail.DROPPED, Notice.Mail.SET_ASIDE)


class TokenFamily(UUIDModel):
    """One sign-in through the API: the chain of refresh tokens that grew from it.

    Instead of simplejwt's blacklist, which keeps two rows for each token ever issued and lets two
    parallel uses of one token both succeed: here a sign-in is one row, which names the only refresh
    token that is still valid, and using it is one conditional UPDATE.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="token_families")
    jti = models.CharField(max_length=32)
    previous_jti = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = ExpiringQuerySet.as_manager()

    class Meta:
        db_table = "token_families"
        verbose_name_plural = "token families"

    def __str__(self) -> str:
        return str(self.pk)


class SignInRecord(models.Model):
    """What is remembered about sign-ins for a while: counted failures, or a known address.

    The key is a keyed hash, so the table names neither addresses nor people.
    """

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    objects = ExpiringQuerySet.as_manager()

    class Meta:
        db_table = "sign_in_records"

    def __str__(self) -> str:
        return self.key


class StaffRequestQuerySet(ExpiringQuerySet):
    def waiting(self) -> Self:
        """What is yet to be done, oldest first."""
        return self.filter(state=StaffRequest.State.WAITING).order_by("pk")

    def as_left_by(self, asked: "StaffRequest") -> Self:
        """The request, if it waits with its file as far as this process knows it to be."""
        return self.waiting().filter(pk=asked.pk, rows=asked.rows, last=asked.last)

    def done(self) -> Self:
        """What was done, the last first."""
        return self.filter(state=StaffRequest.State.DONE).order_by("-finished_at")

    def failed_after(self, done: "StaffRequest | None") -> Self:
        """What has failed since that one was done, or ever."""
        failed = self.filter(state=StaffRequest.State.FAILED)
        return failed.filter(finished_at__gt=done.finished_at) if done else failed


class StaffRequest(UUIDModel):
    """What a member of staff asked for, and a job does, because no page should take so long.

    What carries it out knows what it is; here it is a name. While it waits, there is one `once`,
    so what is asked for twice is done once. A file is made piece by piece: its first `rows` rows
    are there, down to the one with the key `last`.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    # Nobody's, if a job did it unasked.
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="staff_requests")
    what = models.CharField(max_length=50)
    # How the list is filtered, as in its address.
    query = models.TextField(blank=True)
    # Without it nobody gets what they asked for.
    permission = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    rows = models.PositiveIntegerField(default=0)
    last = models.UUIDField(null=True)
    result = models.JSONField(null=True)
    once = ExactCharField(max_length=64, null=True, unique=True)
    asked_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = StaffRequestQuerySet.as_manager()

    class Meta:
        db_table = "staff_requests"
        verbose_name, verbose_name_plural = "staff request", "staff requests"

    def __str__(self) -> str:
        return f"{self.what} of {self.user_id or 'nobody'}"

    @property
    def has_file(self) -> bool:
        return self.state == self.State.DONE and self.result is None

    @property
    def is_allowed(self) -> bool:
        """Whether the asker may still have what they asked for."""
        user = self.user
        return user is not None and user.is_staff and user.has_perm(self.permission)


class FilePiece(UUIDModel):
    """Some rows of a file, compressed: those that follow the first `after` rows of it."""

    request = models.ForeignKey(StaffRequest, models.CASCADE, related_name="pieces")
    after = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        db_table = "staff_request_pieces"
        constraints = [
            models.UniqueConstraint(fields=["request", "after"], name="staff_request_pieces_order")
        ]

    def __str__(self) -> str:
        return f"{self.request_id}, after {self.after}"
