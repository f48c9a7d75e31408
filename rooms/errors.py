"""Refusals of requests that claim to be LiveKit's, and errors in asking it."""

from http import HTTPStatus

from common.errors import DomainError


class InvalidSignature(DomainError):
    code = "invalid_signature"
    message = "The signature doesn't match the body, or is too old."
    status = HTTPStatus.UNAUTHORIZED


class MalformedEvent(DomainError):
    code = "malformed_event"
    message = "This is not a LiveKit event."
    status = HTTPStatus.BAD_REQUEST


class VideoNotConfigured(DomainError):
    code = "video_not_configured"
    message = "Video is not set up on this site."
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 300
