"""What this machine says: the environment, then .env."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from common.errors import InvalidAmount
from common.money import parse_sum
from common.numbers import plain_number, whole_number

ROOT = Path(__file__).resolve().parent.parent
# What is read instead: plain numbers alone.
PLAIN: dict[Any, Any] = {int: whole_number, float: plain_number, Decimal: parse_sum}


class Environment(environ.Env):
    """Values by their names, and a name to what cannot be read."""

    def get_value(self, var: str, cast: Any = None, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, PLAIN.get(cast, cast), *args, **kwargs)
        except (ValueError, InvalidAmount) as error:
            value = self.ENVIRON[var]
            raise ImproperlyConfigured(f"{var} cannot be read: {value!r}.") from error


env = Environment()
Environment.read_env(ROOT / env.str("ENV_FILE", default=".env"))


def require(holds: bool, why: str) -> None:
    """End the start where a setting is wrong."""
    if not holds:
        raise ImproperlyConfigured(why)
