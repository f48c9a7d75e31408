"""Refusals at a room's door, of requests that claim to be LiveKit's, and errors in asking it."""

from http import HTTPStatus

from common.errors import DomainError


class VideoNotConfigured(DomainError):
    code = "video_not_configured"
    message = "Video is not set up on this site."
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 300


class VideoAway(DomainError):
    code = "video_away"
    message = "The video server doesn't answer right now. Try again in a moment."
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 2


class RoomNotOpen(DomainError):
    code = "room_not_open"
    message = "The room isn't open yet."


class RoomClosed(DomainError):
    code = "room_closed"
    message = "This session has ended."


class EndedEarly(DomainError):
    code = "session_ended_early"
    message = "The teacher has ended this session for everyone."


class RemovedFromRoom(DomainError):
    code = "removed_from_room"
    message = "The teacher removed you from this session. Only they can let you in again."
