import json
from datetime import UTC, datetime

import pytest
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import register

JSON = "application/json"
PASSWORD = "correct horse battery"


class Client(APIClient):
    """The auth calls, from an address."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        super().__init__(REMOTE_ADDR=address)

    def send(self, path: str, body: object, **extra: str) -> Response:
        # In ASCII, so that half a surrogate pair can be sent.
        return self.post(f"/api/auth/{path}", json.dumps(body), content_type=JSON, **extra)

    def register(self, **changes: object) -> Response:
        person = {"email": "ada@example.com", "password": PASSWORD, "display_name": "Ada"}
        return self.send("register", person | changes)

    def sign_in(
        self, email: object = "ada@example.com", password: object = PASSWORD, **extra: str
    ) -> Response:
        return self.send("token", {"email": email, "password": password}, **extra)

    def refresh(self, token: object) -> Response:
        return self.send("token/refresh", {"refresh": token})

    def logout(self, token: object) -> Response:
        return self.send("logout", {"refresh": token})


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def ada(db) -> User:
    proved = {"proved_since": datetime(2020, 1, 1, tzinfo=UTC)}
    return User.objects.create_user("ada@example.com", PASSWORD, display_name="Ada", **proved)


@pytest.fixture
def pair(ada, client) -> dict[str, str]:
    return client.sign_in().json()


@pytest.fixture
def eve() -> User:
    """Somebody new, who has not proved the address yet."""
    return register(email="eve@example.com", password=PASSWORD, display_name="Eve <b>!</b>")
