"""The client for TypeScript against a running server."""

import json

import pytest

from tests.clients.conftest import npm
from tests.serving import serving, wait_until_ready

pytestmark = [pytest.mark.mariadb]


def test_the_client_does_what_it_promises(built, world, broken):
    with serving(PAYMENTS="rehearsal") as server:
        wait_until_ready(server)
        told = json.dumps(world | {"baseUrl": server.url})
        done = npm("test", TALKPLATFORM_WORLD=told)
    assert done.returncode == 0, done.stdout + done.stderr
    assert broken() == {}
