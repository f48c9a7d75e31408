"""The shape of what comes in from outside or goes out."""

from typing import Any

# A JSON object.
Json = dict[str, Any]
