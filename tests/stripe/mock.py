"""stripe-mock: Stripe's own program, which refuses what Stripe does not know.

It is no part of the project. It keeps nothing and invents every answer: it proves requests alone.
Its newest is a version behind ours, in which one parameter has another name since.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.stripe.desk import KEY

PATIENCE = 60.0
NOW, BEFORE = "allowed_payment_method_types", "payment_method_types"


def program() -> str | None:
    return shutil.which(os.environ.get("STRIPE_MOCK", "stripe-mock"))


class Mock:
    def __init__(self, folder: Path) -> None:
        self.log = (folder / "log").open("w")
        words = [program() or "", "-http-port", "0"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self.process.stdout
        said = next(line for line in self.process.stdout if "address" in line)
        self.url = f"http://127.0.0.1:{said.rpartition(':')[2].strip()}"

    def ask(self, method: str, path: str, text: str = "") -> requests.Response:
        """Put a request to it: a form, or a query."""
        headers = {"Authorization": f"Bearer {KEY.replace('_stand_in', '_123')}"}
        if method == "GET":
            return requests.get(f"{self.url}{path}?{text}", headers=headers, timeout=PATIENCE)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return requests.post(
            f"{self.url}{path}", text.replace(NOW, BEFORE), headers=headers, timeout=PATIENCE
        )

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.log.close()


@pytest.fixture(scope="session")
def stripe_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """What Stripe itself says to a request; of tests that are marked `stripe_mock`."""
    mock = Mock(tmp_path_factory.mktemp("stripe-mock"))
    yield mock
    mock.end()
