"""Teachers' pages: where they are, and what they say."""

from django.urls import reverse


def at(name: str, thing) -> str:
    return reverse(f"teaching:{name}", args=[thing.pk])


def said(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def errors(page) -> dict:
    return page.context["form"].errors
