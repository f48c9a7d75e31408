"""Refusals of deciding on what waits in a hold."""

from common.errors import DomainError


class NoteChanged(DomainError):
    code = "note_changed"
    message = "This note is gone, or says something else by now: look at the hold again."


class SessionNotStarted(DomainError):
    code = "session_not_started"
    message = "The session has not started: nothing is paid out for it yet."


class SessionNotOver(DomainError):
    code = "session_not_over"
    message = "The session is not over: nothing is paid out for it yet."


class SessionCalledOff(DomainError):
    code = "session_cancelled"
    message = "The session was cancelled: its share only goes back to the student."
