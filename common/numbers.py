"""Plain numbers from outside. Python accepts more: digits of every script, `1_0`, ` 3 `, `4e1`."""

import re

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


def whole_number(text: str) -> int:
    """Such as `60` or `-5`; anything else raises `ValueError`."""
    return int(_plain(_WHOLE, text))


def plain_number(text: str) -> float:
    """Such as `60`, `0.5` or `-5`; anything else raises `ValueError`."""
    return float(_plain(_NUMBER, text))


def _plain(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"This is no plain number: {text!r}.")
    return text
