"""Staff screens; Django finds them by importing this package."""

from teaching.admin import categories, courses

__all__ = ["categories", "courses"]
