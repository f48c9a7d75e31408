"""Staff screens; Django finds them by importing this package."""

from settlement.admin import disputes, holds

__all__ = ["disputes", "holds"]
