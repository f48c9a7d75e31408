"""What the navigation says of what its reader was told."""

from typing import Any

from django import template

from notices.models import Notice

register = template.Library()


@register.simple_tag(takes_context=True)
def unread_notices(context: dict[str, Any]) -> int:
    """How many notices the signed-in reader has not read: one count, by an index alone."""
    return Notice.objects.shown_to(context["request"].user.pk).unread().count()
