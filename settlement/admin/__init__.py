"""Staff screens; Django finds them by importing this package."""

from settlement.admin import holds

__all__ = ["holds"]
