"""New objects are made as Django makes them."""

import pytest
from django.apps import apps
from django.db import models
from django.db.models.signals import post_init

from common.models import UUIDModel, _blank
from enrollments.models import CourseEnrollment
from notices.models import Notice
from tests.factories import UserFactory, make_course

MODELS = [model for model in apps.get_models() if issubclass(model, UUIDModel)]


def by_django(model, **given):
    made = model.__new__(model)
    models.Model.__init__(made, **given)
    return made


def held_by(made):
    """What it has, and the names of what is made anew for each."""
    apart = {field.attname for field in made._meta.concrete_fields if callable(field.default)}
    return {
        name: value.__dict__ if name == "_state" else value
        for name, value in made.__dict__.items()
        if name not in apart
    }, apart & set(made.__dict__)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_new_object_has_what_django_gives_it(model):
    for given in ({}, {"id": None}):
        assert held_by(model(**given)) == held_by(by_django(model, **given))
    first, second = model(), model()
    assert first.pk != second.pk


@pytest.mark.django_db
def test_what_it_is_given_is_set_as_django_sets_it():
    student, course = UserFactory(), make_course()
    for given in ({"user": student, "course_id": course.pk}, {"user_id": student.pk, "pk": None}):
        ours, theirs = CourseEnrollment(**given), by_django(CourseEnrollment, **given)
        assert held_by(ours) == held_by(theirs)
    with pytest.raises(ValueError, match="must be a"):
        CourseEnrollment(user=course)


def test_a_name_that_it_does_not_have_is_refused():
    with pytest.raises(TypeError, match="nobody"):
        Notice(nobody=1)


def test_those_who_wait_for_new_objects_are_told():
    told = []

    def hear(instance, **_):
        told.append(instance)

    post_init.connect(hear, sender=Notice)
    _blank.cache_clear()
    try:
        assert told == [Notice()]
    finally:
        post_init.disconnect(hear, sender=Notice)
        _blank.cache_clear()
