"""What the documents, templates and docstrings name is there, and what is there is named."""

import ast
import importlib
import re
import subprocess
from pathlib import Path

import pytest

from tests.test_architecture import APPS, ROOT, SOURCES

ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
TREE = ARCHITECTURE.split("```")[1]
NAMED = re.compile(rf"(?:{'|'.join(APPS)})(?:\.\w+)+")
# A file or a folder of the tree, by its path from the top.
PATH = re.compile(r"`((?:\w[\w.-]*/)+[\w.-]*)`")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).exists()]


def named_of(app: str) -> set[str]:
    """The words of an app's part of the tree: from its line to the next that is not indented."""
    [part] = re.findall(rf"^{app}/.*?(?=^\S|\Z)", TREE, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"\w+", part))


def modules_of(app: str) -> set[str]:
    paths = (path.relative_to(ROOT / app) for path in SOURCES if path.is_relative_to(ROOT / app))
    names = {name for path in paths for name in path.with_suffix("").parts}
    return names - {"__init__", "apps", "commands"}


@pytest.mark.parametrize("app", APPS)
def test_the_tree_names_every_module(app):
    assert modules_of(app) - named_of(app) == set()


def prose(path: Path) -> str:
    """What a file says to people: all of a document or template, of code its comments."""
    text = path.read_text()
    if path.suffix == ".html":
        return "\n".join(re.findall(r"{#.*?#}|{% comment %}.*?{% endcomment %}", text, re.DOTALL))
    if path.suffix != ".py":
        return text
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef)
    said = [ast.get_docstring(n) for n in ast.walk(ast.parse(text)) if isinstance(n, nodes)]
    quoted = re.findall(r"`[^`]+`", "\n".join(filter(None, said)))
    return "\n".join([*quoted, *re.findall(r"#.*", text)])


def is_there(name: str) -> bool:
    """Whether a dotted name is a module of ours, or something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def test_what_is_named_is_there():
    places = tracked("docs/*.md", "*.md", "templates/*.html", *(f"{app}/*.py" for app in APPS))
    names = {(path.name, name) for path in places for name in NAMED.findall(prose(path))}
    missing = {(path, name) for path, name in names if not is_there(name)}
    assert {(p, n) for p, n in missing if not n.endswith((".md", ".py", ".html"))} == set()


def test_paths_in_the_documents_are_there():
    named = {
        (document.name, path)
        for document in tracked("docs/*.md", "*.md")
        for path in PATH.findall(document.read_text())
    }
    ours = {(doc, path) for doc, path in named if (ROOT / path.split("/")[0]).is_dir()}
    assert {(doc, path) for doc, path in ours if not (ROOT / path).exists()} == set()
