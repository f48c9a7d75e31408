"""A connection that is lost in the middle of an operation."""

from threading import Thread

import pytest
from django.db import connection

from accounts.models import User
from common.errors import Unavailable
from common.transactions import operation

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lost():
    """Has the server end this thread's connection."""

    def kill(number):
        with connection.cursor() as cursor:
            cursor.execute("KILL %s", [number])
        connection.close()

    def lose():
        other = Thread(target=kill, args=[connection.connection.thread_id()])
        other.start()
        other.join()

    yield lose
    connection.close()


@pytest.fixture
def unchecked():
    """Nobody has asked lately whether the connection still stands."""
    connection.ensure_connection()
    connection.health_check_enabled = True

    def forget():
        connection.health_check_done, connection._healthy_until = False, 0.0

    return forget


def test_one_that_is_lost_in_an_operation_is_a_passing_problem(lost, unchecked):
    @operation
    def ask():
        assert not User.objects.exists()
        lost()
        unchecked()
        User.objects.exists()

    with pytest.raises(Unavailable):
        ask()
    assert not User.objects.exists()


def test_one_that_was_lost_before_is_renewed(lost, unchecked):
    lost()
    unchecked()

    @operation
    def ask():
        return User.objects.exists()

    assert ask() is False
