"""What holds for the whole tree: refusals have one code each, functions stay short."""

import ast
import importlib
import re
import statistics
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from common.errors import BY_STATUS, CodedError, DomainError

ROOT = Path(__file__).resolve().parent.parent
APPS = tuple(
    tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
)
SOURCES = [
    path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
]


# What settles money and sells it: here a story is told by one function, not by five.
WHOLE = ("enrollments/services/enrolling.py", "payments/services/holds.py", "settlement/")


def refusals() -> set[type[CodedError]]:
    for app in APPS:
        if (ROOT / app / "errors.py").exists():
            importlib.import_module(f"{app}.errors")
    found, waiting = set(), [CodedError]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            found.add(kind)
            waiting.append(kind)
    return {kind for kind in found - {DomainError} if not kind.__module__.startswith("tests.")}


def documented_codes() -> Counter:
    table = (ROOT / "docs" / "errors.md").read_text()
    return Counter(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def lengths() -> dict[str, int]:
    return {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }


def test_each_code_names_one_refusal():
    # To a client a limit of ours and the framework's are one, and so is all that Stripe doesn't do.
    shared = {"throttled", "processor_unavailable"}
    codes = Counter(kind.code for kind in refusals())
    assert [code for code, times in codes.items() if times > 1 and code not in shared] == []


def test_every_code_is_documented_once_and_nothing_else():
    known = {kind.code for kind in refusals()} | {code for code, _ in BY_STATUS.values()}
    assert documented_codes() == dict.fromkeys(known, 1)


@pytest.mark.parametrize("kind", sorted(refusals(), key=lambda kind: (kind.code, kind.__name__)))
def test_every_refusal_can_say_what_is_the_matter(kind):
    body = kind(**kind.example).body()
    assert body["message"]
    assert "%" not in body["message"]


def last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def own_lines(function: ast.FunctionDef) -> int:
    """How many it has beside its docstring and decorators."""
    lines = function.end_lineno - function.lineno + 1
    said = function.body[0] if ast.get_docstring(function) else None
    return lines - (said.end_lineno - said.lineno + 1 if said else 0)


def test_functions_are_short():
    sizes = lengths()
    assert {name: size for name, size in sizes.items() if size > 40} == {}
    assert statistics.median(sizes.values()) <= 8
    assert sum(size <= 25 for size in sizes.values()) >= 0.9 * len(sizes)


def test_no_line_of_a_story_is_a_function():
    """Of `WHOLE`: none that one place alone calls is shorter than four lines.

    What is only handed on, as a value, has to have a name.
    """
    trees = {path: ast.parse(path.read_text()) for path in SOURCES}
    names, calls = {}, {}
    for path, tree in trees.items():
        nodes = list(ast.walk(tree))
        names[path] = Counter(map(last_name, nodes))
        calls[path] = Counter(last_name(n.func) for n in nodes if isinstance(n, ast.Call))

    def times(counts: dict[Path, Counter], name: str, path: Path) -> int:
        among = [counts[path]] if name.startswith("_") else counts.values()
        return sum(count[name] for count in among)

    short = [
        (node.name, path)
        for path, tree in trees.items()
        if str(path.relative_to(ROOT)).startswith(WHOLE)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.decorator_list and own_lines(node) < 4
    ]
    assert [one for one in short if times(names, *one) == times(calls, *one) == 1] == []


def untyped(path: Path) -> int:
    """How often a file has `Any` for the type of a value: not where Django calls with anything."""
    tree = ast.parse(path.read_text())
    starred = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for star in (node.args.vararg, node.args.kwarg)
        if star and star.annotation
        for part in ast.walk(star.annotation)
    }
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "Any")
    return sum(id(name) not in starred for name in names)


def test_values_have_types():
    """Where the framework's own types end, some do not: never where it is decided and shown."""
    counted = {path.relative_to(ROOT): untyped(path) for path in SOURCES}
    exact = {"services", "shop", "learning"}, {"rules.py", "quotes.py", "queries.py"}
    found = {
        str(path): count
        for path, count in counted.items()
        if count and (exact[0] & {*path.parts} or path.name in exact[1])
    }
    assert found == {}
    assert sum(counted.values()) < 100


def test_files_are_short():
    all_of_them = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    long = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in all_of_them}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def test_who_locks_rows_says_so():
    """By `take`, so that their order holds: those who lock rows themselves, or by a query."""
    locking = re.compile(r"\.(locked|claimed|select_for_update)\(|queries\.(lock|claim)_")
    silent = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.name != "queries.py"
        and locking.search(path.read_text())
        and "import Rank, take" not in path.read_text()
    }
    assert silent == {"common/models.py"}


def test_one_module_changes_what_was_bought():
    """Above the bank: else a booking and its money might say different things."""
    moving = re.compile(r"\b(lock_pending_parts|settle_parts|refund_parts|mark_refunded)\(")
    places = {str(p.relative_to(ROOT)) for p in SOURCES if moving.search(p.read_text())}
    above = {place for place in places if not place.startswith("payments/")}
    assert above == {"enrollments/services/lifecycle.py"}


def test_no_file_of_the_tree_is_for_one_machine():
    paths = r"/(home|root|work)/[a-z]"
    found = subprocess.run(
        ["git", "grep", "-lIE", paths, "--", ".", ":!*.map"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout, found.stderr) == ("", "")
