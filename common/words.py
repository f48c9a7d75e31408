"""Words as a search compares them: without case, accents and scripts, alike on every database."""

import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import NamedTuple
from unicodedata import category, normalize

from anyascii import anyascii

LONGEST_WORD = 40
LONGEST_SEARCH = 200
MOST_TERMS = 10
# Scripts without spaces: Thai, Lao, Myanmar, Khmer, Japanese, Chinese.
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u312f\u31f0-\u31ff"
_SPACELESS += "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(f"[{_SPACELESS}]+|[^{_SPACELESS}]+")
_IS_SPACELESS = re.compile(f"[{_SPACELESS}]")
_NO_WORD = re.compile("[^a-z0-9]+")


class Term(NamedTuple):
    """A word to search for, folded, as it was `typed`; or one that others begin with."""

    word: str
    typed: str
    is_beginning: bool = False

    @property
    def between(self) -> tuple[str, str]:
        """The first word and the last, in binary order, of those that meet it."""
        return self.word, f"{self.word}\U0010ffff" if self.is_beginning else self.word


def alike(text: str) -> str:
    """What texts that differ by case or spaces alone come to."""
    return " ".join(text.casefold().split())


def words_in(text: str) -> set[str]:
    """The words of a text, folded; characters in pairs where a script has no spaces.

    The last of such characters stands alone, so that each of them begins a word.
    """
    words: set[str] = set()
    for run in _runs(text):
        if _IS_SPACELESS.match(run):
            words |= {"".join(pair) for pair in pairwise(run)} | {run[-1]}
        else:
            words.add(_folded(run))
    return words


def terms_of(text: str) -> list[Term]:
    """What is searched for: of a long text its beginning. The last word may be only begun."""
    terms: list[Term] = []
    runs = [*_runs(text[:LONGEST_SEARCH])]
    for place, run in enumerate(runs, 1):
        if not _IS_SPACELESS.match(run):
            terms.append(Term(_folded(run), run, is_beginning=place == len(runs)))
        elif len(run) == 1:
            terms.append(Term(run, run, is_beginning=True))
        else:
            terms += [Term(first + second, run) for first, second in pairwise(run)]
    return list(dict.fromkeys(terms))[:MOST_TERMS]


def _runs(text: str) -> Iterator[str]:
    """Letters, marks and digits that stand together, each run in scripts of one kind."""
    for is_word, found in groupby(normalize("NFKC", text), lambda char: category(char)[0] in "LMN"):
        if is_word:
            yield from _RUNS.findall("".join(found))


def _folded(run: str) -> str:
    """`Łukasz` as `lukasz`; what has no letters of ASCII's stays as it is."""
    plain = run.casefold()
    return (_NO_WORD.sub("", anyascii(plain).lower()) or plain)[:LONGEST_WORD]
