"""Every kind there is: documented, and known once."""

from pathlib import Path

import pytest
from django.core.management import call_command

from notices.kinds import Kind, register

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "notices.md"


def test_the_document_lists_every_kind(capsys):
    call_command("list_kinds")
    listed = capsys.readouterr().out
    assert DOCUMENT.read_text().endswith(f"\n\n{listed}"), "Run: python manage.py list_kinds"


def test_a_name_is_given_once(make_kind):
    kind = make_kind()
    with pytest.raises(ValueError, match="two kinds called moved"):
        register(Kind(name=kind.name, to="all", told="it", text=str))
