"""Staff screens; Django finds them by importing this package."""

from enrollments.admin import bookings, courses

__all__ = ["bookings", "courses"]
