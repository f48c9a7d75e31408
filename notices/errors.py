"""What the outbox refuses."""

from common.errors import DomainError


class NoMailToSend(DomainError):
    code = "no_mail_to_send"
    message = "This notice has no mail, or it hasn't been sent yet."
