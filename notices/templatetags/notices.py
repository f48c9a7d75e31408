"""What the navigation says of what its reader was told."""

from typing import Any

from django import template

from notices.queries import unread

register = template.Library()


@register.simple_tag(takes_context=True)
def unread_notices(context: dict[str, Any]) -> int:
    """How many notices the signed-in reader has not read; one statement."""
    return sum(count for [count] in unread(context["request"].user.pk))
