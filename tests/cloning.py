"""A fresh clone of the project, in which a script of its own is run."""

import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

from django.conf import settings

DRIVER = ("mysqlclient", "MySQLdb")


def clone_to(place: Path) -> Path:
    """The tree as git has it, and a .venv of the base requirements: all but the driver."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=settings.BASE_DIR, capture_output=True, check=True
    )
    for name in tracked.stdout.decode().split("\0")[:-1]:
        copy = place / "tree" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if Path(settings.BASE_DIR, name).exists():
            shutil.copy(Path(settings.BASE_DIR, name), copy)
    environment = place / "tree/.venv"
    venv.create(environment, symlinks=True)
    installed = place / "base"
    installed.mkdir()
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith(DRIVER):
            (installed / package.name).symlink_to(package)
    (own,) = environment.glob("lib/python*/site-packages")
    (own / "base.pth").write_text(f"{installed}\n")
    return place / "tree"
