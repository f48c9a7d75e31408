"""What students and teachers are told about bookings and sessions, and in which words."""

from enrollments.messages import bookings, reminders, sessions, timetable

__all__ = ["bookings", "reminders", "sessions", "timetable"]
