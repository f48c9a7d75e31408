"""The room's modules, checked against LiveKit's own types; and its client, as the page gets it."""

import fcntl
import hashlib
import json
import re
import subprocess

import pytest
from django.core.management import call_command

from tests.clients.conftest import CLIENTS, npm
from tests.test_architecture import ROOT

pytestmark = pytest.mark.once
ROOM = CLIENTS / "room"
PRODUCTION = "common.storage.StaticFiles"
BRING = ". script/lib.sh; take_turn; bring_livekit_client"


@pytest.fixture(scope="module")
def checked():
    """What `tsc` says, with what it needs installed by whoever comes first."""
    made = ROOM / "node_modules" / ".made"
    wanted = hashlib.sha256((ROOM / "package-lock.json").read_bytes()).hexdigest()
    with (ROOM / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not made.exists() or made.read_text() != wanted:
            done = npm("ci", "--no-audit", "--no-fund", at=ROOM)
            assert done.returncode == 0, done.stdout + done.stderr
            made.write_text(wanted)
    return npm("run", "check", at=ROOM)


def test_its_modules_and_the_double_fit_the_types_of_livekits_client(checked):
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_module_can_be_read_in_a_minute():
    lengths = {path.name: len(path.read_text().splitlines()) for path in modules()}
    assert {name: lines for name, lines in lengths.items() if lines > 260} == {}


def test_each_import_is_written_so_that_its_file_gets_its_name():
    """What collecting looks for has a semicolon and stands alone; comments import nothing."""
    for path in modules():
        text = path.read_text()
        assert len(re.findall(r"\bimport\b", text)) == len(
            re.findall(r'^import (?:{[^}]+} from )?"\./[\w-]+\.js";$', text, re.MULTILINE)
        ), path.name


def modules():
    return sorted((ROOT / "static" / "room").glob("*.js"))


def test_livekits_client_is_collected_with_the_modules(tmp_path, settings):
    subprocess.run(["bash", "-euc", BRING], cwd=ROOT, check=True, capture_output=True)
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": PRODUCTION}}
    call_command("collectstatic", interactive=False, verbosity=0)
    files = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    assert (tmp_path / files["vendor/livekit-client.js"]).exists()
    named = re.findall(r'from "\./([\w.-]+)";', (tmp_path / files["room/main.js"]).read_text())
    assert set(named) <= {name.removeprefix("room/") for name in files.values()}
    assert len(named) > 9
