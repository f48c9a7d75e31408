"""Staff screens; Django finds them by importing this package."""

from enrollments.admin import bookings, courses, evidence, holds

__all__ = ["bookings", "courses", "evidence", "holds"]
