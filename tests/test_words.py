"""What people read is plain English: phrases that were found once do not come back."""

import subprocess

import pytest

from tests.test_architecture import ROOT

PHRASES = (
    "whoever",
    "what is none of",
    "anew",
    "worked in",
    "its share comes back",
    "Look into your mail",
    "Look among the unwanted",
    "We send you a link by which",
    "do not go together",
    "Bring somebody along",
    "Room for everybody",
    "Nothing to come",
    "Look in again",
    "Why do you cancel",
    "Hand back",
    "Taken back",
    "Sold whole",
    "Not sold singly",
    "You may not do this",
    "It was taken away, never was",
    "That did not work",
    "This is none of the choices",
    "This is no cursor of ours",
    "Over, and soon settled",
    "That you teach in",
)
# A migration says what it said when it ran.
WHERE = ("*.py", "*.html", "*.txt", "*.md", ":!tests", ":!*/migrations/*")


@pytest.mark.parametrize("phrase", PHRASES)
def test_it_is_said_in_plain_english(phrase):
    in_any_case = [] if phrase[0].isupper() else ["-i"]
    found = subprocess.run(
        ["git", "grep", "-nIwF", *in_any_case, phrase, "--", *WHERE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout, found.stderr) == ("", "")
