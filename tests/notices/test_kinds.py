"""Every kind there is: documented, and known once."""

from pathlib import Path

import pytest
from django.core.management import call_command

from notices.kinds import Kind, every_kind, register

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "notices.md"


def test_the_document_lists_every_kind(capsys):
    call_command("list_kinds")
    listed = capsys.readouterr().out
    assert DOCUMENT.read_text().endswith(f"\n\n{listed}"), "Run: python manage.py list_kinds"


@pytest.mark.parametrize("kind", list(every_kind()), ids=lambda kind: kind.name)
def test_each_is_looked_at_by_a_test_of_the_app_that_tells_it(kind):
    tests = (DOCUMENT.parents[1] / "tests").glob("*/test_*.py")
    assert any(f'"{kind.name}"' in test.read_text() for test in tests if test != Path(__file__))


def test_a_name_is_given_once(make_kind):
    kind = make_kind()
    with pytest.raises(ValueError, match="two kinds called moved"):
        register(Kind(name=kind.name, to="all", told="it", text=str))
