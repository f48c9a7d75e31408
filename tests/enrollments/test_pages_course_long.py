"""The page of a course of many sessions."""

from decimal import Decimal

import pytest
from django.utils import timezone

from courses.models import CourseSession
from enrollments.services.enrolling import enroll_full_course
from tests.enrollments.course_page import course, look, student
from tests.factories import DAY, extend_course, lengthen_course, make_course, student_with_credit

__all__ = ["course", "student"]

pytestmark = pytest.mark.django_db


class TestLongCourses:
    @pytest.fixture
    def course(self):
        """Of 200 sessions with titles as people write them, the first 70 over."""
        course = make_course(sessions=1, price_full_course="1000.00", max_students=5)
        lengthen_course(course, 200)
        title = "Ordering at the counter, and asking for the bill"
        course.sessions.update(title=title, status="scheduled")
        course.sessions.filter(session_number__lte=70).update(status="completed")
        return course

    @pytest.mark.parametrize("path", ["/courses/{}/", "/teaching/courses/{}/"])
    def test_the_page_opens_where_the_course_is(self, client, course, path):
        client.force_login(course.teacher)
        for session in (sessions := list(course.sessions.all())):
            session.starts_at = timezone.now() + (session.session_number - 70.5) * DAY
        CourseSession.objects.bulk_update(sessions, ["starts_at"])
        opened = client.get(path.format(course.pk))
        assert "Session 71: " in opened.text
        assert "Session 50: " not in opened.text
        assert "Page 2 of 4" in opened.text
        last = client.get(path.format(course.pk), {"page": "4"})
        assert ("Session 200: " in last.text, "Session 150: " in last.text) == (True, False)

    @pytest.mark.parametrize("path", ["/courses/{}/", "/teaching/courses/{}/"])
    def test_pages_go_by_time_and_the_api_by_number(self, client, path):
        course = make_course(sessions=2)
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        extend_course(course, starts_at=timezone.now() + 1.5 * DAY)  # the third by number
        client.force_login(course.teacher)
        page = client.get(path.format(course.pk)).text
        places = [page.index(f"Session {number}: ") for number in (1, 3, 2)]
        assert places == sorted(places)
        rows = client.get(f"/api/courses/{course.pk}").json()["sessions"]
        assert [row["session_number"] for row in rows] == [1, 2, 3]

    @pytest.mark.parametrize("path", ["/courses/{}/", "/teaching/courses/{}/"])
    def test_a_page_of_it_is_light(self, client, course, path):
        """Styles and script come on top of it."""
        client.force_login(course.teacher)
        for page in range(1, 5):
            assert len(client.get(path.format(course.pk), {"page": page}).content) < 60_000

    def test_its_price_is_that_of_all_sessions(self, client, course, student):
        """Whichever of them are on the page."""
        shown = look(client, course, student).context["shown"]
        assert len(shown.quote.shares) == 104
        assert shown.price_now == Decimal("520.00")
