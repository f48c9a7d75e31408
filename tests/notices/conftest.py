from collections.abc import Callable
from typing import Any

import pytest

from common.formats import moment
from notices import kinds
from notices.kinds import Kind, Letter


def letter(notice: Any) -> Letter:
    return Letter(subject=notice.text("title"), lead=f"It moved to {moment(notice.time('at'))}.")


def text(notice: Any) -> str:
    return f"{notice.text('title')} moved to {moment(notice.time('at'))}"


@pytest.fixture
def make_kind(monkeypatch) -> Callable[..., Kind]:
    """Makes a kind known for the time of a test: what moved, by mail and in the product."""

    def make(name: str = "moved", **changes: Any) -> Kind:
        kind = Kind(
            **{
                "name": name,
                "to": "students",
                "told": "a session that they booked was moved",
                "letter": letter,
                "text": lambda notice: (
                    f"{notice.text('title')} moved to {moment(notice.time('at'))}"
                ),
                **changes,
            }
        )
        monkeypatch.setitem(kinds._kinds, name, kind)
        return kind

    return make
