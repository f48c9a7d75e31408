"""Node for the tests, and what npm brings; both come with requirements-dev.txt."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TOOLS = Path(sys.executable).parent


def run(*words: str, at: Path, **options: Any) -> str:
    """What a program said; it has to end well."""
    done = subprocess.run(
        words, cwd=at, env=environment(), capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}


def install(at: Path) -> None:
    """Have the packages of a folder there, each at its version; one at a time does it."""
    made, wanted = at / "node_modules" / ".made", (at / "package-lock.json").read_text()
    with (at / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not made.exists() or made.read_text() != wanted:
            run("npm", "ci", "--no-audit", "--no-fund", at=at)
            made.write_text(wanted)
