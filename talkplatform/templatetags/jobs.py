"""What the first page of the admin says of the jobs."""

from django import template

from talkplatform.jobs import states

register = template.Library()


@register.inclusion_tag("admin/_jobs.html")
def jobs() -> dict[str, object]:
    """How each job fares, and which are late."""
    fares = states()
    return {"jobs": fares, "late": [state.plan.name for state in fares if state.late]}
