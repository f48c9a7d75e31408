"""Processes beside the server."""

import subprocess
import sys

# A fork between the pipe of a start and the start itself, if it can get there.
FORK_MEANWHILE = """
import os, signal, subprocess, threading
from talkplatform.children import Child

class Once(Child):
    def has_ended(self, status, *, soon):
        print("ended")
        self.tell()

starts, forked = threading.Event(), threading.Event()
start = subprocess._fork_exec

def start_late(*args):
    starts.set()
    forked.wait(0.5)
    return start(*args)

subprocess._fork_exec = start_late
child = Once("true", ["true"], os.environ)
child.start()
starts.wait()
fork = os.fork()
if not fork:
    signal.pause()
forked.set()
child.join(5)
os.kill(fork, signal.SIGKILL)
"""


def test_a_fork_beside_a_start_does_not_hide_its_end():
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK_MEANWHILE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout == "ended\n", told.stderr
