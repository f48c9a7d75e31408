"""What the outbox refuses."""

from common.errors import DomainError


class NoMailToSend(DomainError):
    code = "no_mail_to_send"
    message = "It is no mail, or the mail has yet to go out."
