"""script/with-livekit: a LiveKit of one's own for a command, and nothing is left of it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.test_architecture import ROOT

pytestmark = pytest.mark.once
COMMAND = 'echo "$LIVEKIT_PID" "$LIVEKIT_CONFIG"; cat "$LIVEKIT_CONFIG"; exit 3'


def run(**environment):
    return subprocess.run(
        ["script/with-livekit", "bash", "-c", COMMAND],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_where_there_is_none_it_says_how_to_get_one():
    done = run(LIVEKIT_SERVER="/nowhere/livekit-server")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Missing on this machine: livekit-server" in done.stderr
    for way in ("packages", "container", "releases"):
        assert way in done.stderr


@pytest.mark.livekit
def test_it_ends_with_its_command_whose_status_it_gives():
    done = run(LIVEKIT_WEBHOOK_PORT="1", LIVEKIT_AUTO_CREATE="true")
    pid, config = done.stdout.splitlines()[0].split()
    assert done.returncode == 3
    assert pid != os.environ["LIVEKIT_PID"]
    assert not Path("/proc", pid).exists()
    assert not Path(config).parent.exists()
    for own in ("auto_create: true", "http://127.0.0.1:1/api/webhooks/livekit", "127.0.0.1:3478"):
        assert own in done.stdout
