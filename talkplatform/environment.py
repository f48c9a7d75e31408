"""What this machine says: the environment, then .env."""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent


class Environment(environ.Env):
    """Values by their names, and a name to what cannot be read."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except (ValueError, ArithmeticError) as error:
            value = self.ENVIRON[var]
            raise ImproperlyConfigured(f"{var} cannot be read: {value!r}.") from error


env = Environment()
Environment.read_env(ROOT / env.str("ENV_FILE", default=".env"))
