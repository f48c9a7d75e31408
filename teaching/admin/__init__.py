"""Staff screens; Django finds them by importing this package."""

from teaching.admin import courses

__all__ = ["courses"]
