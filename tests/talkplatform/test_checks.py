import pytest
from django.db import models
from django.test.utils import isolate_apps

from talkplatform import checks

pytestmark = pytest.mark.django_db


@pytest.mark.mariadb
@isolate_apps("courses")
def test_a_constraint_that_mariadb_would_leave_out_is_an_error(monkeypatch):
    class Booking(models.Model):
        status = models.CharField(max_length=20)

        class Meta:
            app_label = "courses"
            constraints = [
                models.UniqueConstraint(
                    fields=["status"], condition=models.Q(status="live"), name="one_live"
                )
            ]

    monkeypatch.setattr(checks.apps, "get_models", lambda: [Booking])
    assert [error.id for error in checks.refuse_missing_constraints()] == ["models.W036"]
    assert all(error.is_serious() for error in checks.refuse_missing_constraints())


def test_this_schema_leaves_nothing_out():
    assert checks.refuse_missing_constraints() == []
