import pytest

from tests.factories import TeacherFactory


@pytest.fixture
def teacher():
    return TeacherFactory(time_zone="Europe/Madrid")


@pytest.fixture
def browser(client, teacher):
    client.force_login(teacher)
    return client
