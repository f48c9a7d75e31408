"""Staff screens; Django finds them by importing this package."""

from enrollments.admin import bookings

__all__ = ["bookings"]
