import pytest
from django.http import HttpResponse

from courses.models import Course
from tests.factories import make_course
from tests.repeats import AT_MOST, RepeatedQuery, refuse_repeats

pytestmark = pytest.mark.django_db


def teachers_of(courses):
    return lambda _: HttpResponse(", ".join(course.teacher.display_name for course in courses()))


@pytest.fixture
def get(rf):
    for _ in range(AT_MOST + 1):
        make_course(sessions=1)
    return lambda page: refuse_repeats(page)(rf.get("/"))


def test_a_page_that_asks_row_by_row_fails(get):
    with pytest.raises(RepeatedQuery, match=r"FROM .users. WHERE .users.*id"):
        get(teachers_of(Course.objects.all))


def test_a_page_that_asks_once_for_all_rows_does_not(get):
    assert get(teachers_of(Course.objects.select_related("teacher").all)).status_code == 200


def test_every_request_of_the_suite_is_watched(settings):
    assert settings.MIDDLEWARE[0] == "tests.repeats.refuse_repeats"
