"""Numbers are written in plain digits, wherever they come from."""

import pytest
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from common.numbers import plain_number, whole_number
from common.pages import page_of

NO_NUMBERS = [
    "٣",
    "\uff13",
    "३",
    "1_0",
    "4E1",
    "4e1",
    "+5",
    " 5",
    "5\n",
    "",
    "-",
    "0x10",
    "NaN",
    "inf",
]


@pytest.mark.parametrize(("text", "number"), [("60", 60), ("-5", -5), ("0", 0), ("007", 7)])
def test_plain_whole_numbers_are_read(text, number):
    assert whole_number(text) == number
    assert plain_number(text) == number


@pytest.mark.parametrize(("text", "number"), [("0.5", 0.5), ("2.0", 2.0), ("-1.25", -1.25)])
def test_a_fraction_is_no_whole_number(text, number):
    assert plain_number(text) == number
    with pytest.raises(ValueError, match="no plain number"):
        whole_number(text)


@pytest.mark.parametrize("text", [*NO_NUMBERS, "9" * 19, "9" * 5000])
def test_nothing_else_is_a_number(text):
    for read in (whole_number, plain_number):
        with pytest.raises(ValueError, match="no plain number"):
            read(text)


@pytest.mark.parametrize("text", ["٣", "1_0", "4e1"])
@pytest.mark.parametrize("words", [("run_jobs", "--parent"), ("generate_load_data", "--students")])
def test_commands_take_no_other(words, text):
    with pytest.raises(CommandError, match=words[1]):
        call_command(*words, text)


@pytest.mark.parametrize(
    ("asked", "number"),
    [("2", 2), ("99", 3), ("٢", 1), ("\uff12", 1), ("0_2", 1), ("+2", 1), (" 2", 1), ("", 1)],
)
def test_a_page_is_named_by_no_other(asked, number):
    request = RequestFactory().get("/", {"page": asked})
    assert page_of(range(5), 2, request).number == number
