"""The room's page, with a double in LiveKit's place: what it shows, and what its buttons do."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from courses.models import CourseSession
from enrollments.services.enrolling import enroll_full_course
from tests.browser.doing import press, says
from tests.browser.hall import Hall
from tests.browser.watch import inaccessible, overflowing
from tests.conversations import CONFIGURED
from tests.factories import (
    UserFactory,
    make_course,
    start_session,
    student_with_credit,
)
from tests.livekit import LiveKit, serving

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE, ON_ITS_SIDE = {"width": 360, "height": 740}, {"width": 740, "height": 360}
DESKTOP = {"width": 1280, "height": 800}
DEVICES = {"permissions": ["camera", "microphone"]}


@pytest.fixture
def client_file(settings, tmp_path):
    """The page looks for LiveKit's client before it asks for it; a fresh clone has none."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "livekit-client.js").touch()
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, tmp_path]


@pytest.fixture
def livekit(settings, client_file):
    """LiveKit's room service, to which the page's own server speaks."""
    known = LiveKit()
    with serving(known) as url:
        for name, value in (CONFIGURED | {"LIVEKIT_URL": url}).items():
            setattr(settings, name, value)
        yield known


@pytest.fixture
def lesson(livekit):
    """A session that began five minutes ago."""
    session = make_course(sessions=1, title="Spanish to go").sessions.get()
    start_session(session)
    return session


@pytest.fixture
def hall():
    return Hall()


@pytest.fixture
def visit(open_page, hall):
    """Open a session's room in a browser of the user's own."""

    def visit(user, session, **options):
        page = open_page(user, **{"viewport": DESKTOP, **DEVICES, **options})
        hall.open_to(page.context)
        page.goto(reverse("enrollments:room", args=[session.pk]))
        return page

    return visit


@pytest.fixture
def join(visit):
    def join(user, session, **options):
        page = visit(user, session, **options)
        press(page, "Join now")
        expect(tiles(page).filter(has_text="(you)")).to_be_visible()
        return page

    return join


def student_of(session, **fields):
    """A student of a session's course, which may run already: bought before it began."""
    student = student_with_credit(**fields)
    starts_at = CourseSession.objects.get(pk=session.pk).starts_at
    start_session(session, ago=-timedelta(days=1))
    enroll_full_course(student=student, course_id=session.course_id)
    start_session(session, ago=timezone.now() - starts_at)
    return student


def tiles(page):
    return page.get_by_role("list", name="People in the room").get_by_role("listitem")


def tile(page, name):
    return tiles(page).filter(has_text=name)


def until(page, question, argument=None):
    """Wait until the page answers yes: its policy forbids what Playwright would wait with."""
    for _ in range(100):
        if page.evaluate(question, argument):
            return
        page.wait_for_timeout(50)
    raise AssertionError(question)


def told(page, words):
    """A screen reader is told this."""
    expect(page.locator("#announcements")).to_contain_text(words)


def test_it_opens_by_itself_and_shows_who_is_there(visit, lesson, hall, settings):
    settings.JOIN_OPENS_MINUTES = 10
    student = student_of(lesson, display_name="Ada")
    start_session(lesson, ago=-timedelta(minutes=10, seconds=20))
    page = visit(student, lesson)
    says(page, "The room opens in 0:", "Nothing is recorded.", "Your name in the room is Ada")
    expect(page.get_by_role("button", name="Join now")).to_be_hidden()
    expect(tile(page, "Ada (you)")).to_be_visible(timeout=30_000)
    told(page, "The room is open.")


def test_own_picture_and_level_come_before_anybody_sees_or_hears_them(visit, lesson, hall):
    page = visit(lesson.course.teacher, lesson)
    for device in ("Camera", "Microphone"):
        button = page.get_by_role("button", name=device, exact=True)
        expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Your camera")).to_be_visible()
    until(page, "() => document.querySelector('meter').value > 0.05")
    expect(page.get_by_label("Camera", exact=True).locator("option").first).to_have_text(
        "fake_device_0"
    )
    press(page, "Camera")
    press(page, "Play a sound")
    expect(page.get_by_label("Your camera")).to_be_hidden()
    press(page, "Join now")
    expect(page.get_by_role("button", name="Microphone")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Camera")).to_have_attribute("aria-pressed", "false")


BROWSERS = {
    "chrome": ("Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0", "Click the icon to the left"),
    "firefox": ("Mozilla/5.0 (X11; Linux) Gecko Firefox/150.0", "remove the block"),
    "edge": ("Mozilla/5.0 (Windows NT 10.0) Chrome/150.0 Edg/150.0", "Click the padlock"),
    "safari": ("Mozilla/5.0 (Macintosh) Version/20.0 Safari/605", "In the menu Safari"),
    "iphone": ("Mozilla/5.0 (iPhone) Version/20.0 Safari/605", "Website Settings"),
    "android": ("Mozilla/5.0 (Linux; Android 16) Chrome/150.0 Mobile", "choose Permissions"),
}


@pytest.mark.parametrize("kind", BROWSERS)
def test_a_block_is_explained_for_the_browser_at_hand(open_page, kind):
    agent, words = BROWSERS[kind]
    page = open_page(UserFactory(), user_agent=agent, permissions=[])
    page.goto(reverse("enrollments:room_check"))
    press(page, "Camera")
    says(page, "Your browser blocks the camera on this site.", words)


def test_one_goes_in_with_neither_camera_nor_microphone(join, lesson):
    page = join(lesson.course.teacher, lesson, permissions=[])
    for device in ("Camera", "Microphone"):
        button = page.get_by_role("button", name=device, exact=True)
        expect(button).to_have_attribute("aria-pressed", "false")


def test_names_are_those_of_our_list(join, lesson, hall):
    """Whatever a pass or LiveKit calls them; a stranger is shown as one, unseen and unheard."""
    ada = student_of(lesson, display_name="Ada")
    page = join(lesson.course.teacher, lesson)
    hall.enter(ada, camera=True, microphone=False, name="TEACHER")
    expect(tile(page, "Ada")).to_contain_text("Muted")
    expect(tile(page, "Ada").locator("video")).to_be_visible()
    hall.enter(UserFactory(), camera=True, name="Ada")
    expect(tile(page, "Guest")).to_be_visible()
    expect(tile(page, "Guest").locator("video")).to_have_count(0)
    told(page, "Ada joined.")
    hall.enter(ada, quality="poor", microphone=True)
    expect(tile(page, "Ada")).to_contain_text("Weak connection")
    hall.speak(ada)
    expect(tile(page, "Ada")).to_have_class("tile tile-speaking")
    hall.go(ada)
    told(page, "Ada left.")
    expect(tile(page, "Ada")).to_have_count(0)


def test_chat_has_links_and_is_told(join, lesson):
    student = student_of(lesson, display_name="Ada")
    theirs, ours = join(lesson.course.teacher, lesson), join(student, lesson)
    press(ours, "Chat")
    ours.get_by_label("Message to everybody").fill("Read https://example.com/a?b=1. <b>Now</b>")
    ours.keyboard.press("Enter")
    told(theirs, "Ada wrote: Read https://example.com/a?b=1. <b>Now</b>")
    expect(theirs.get_by_role("button", name="Chat 1")).to_be_visible()
    press(theirs, "Chat 1")
    link = theirs.get_by_role("link", name="https://example.com/a?b=1", exact=True)
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
    says(theirs, "<b>Now</b>")
    expect(ours.get_by_text("You", exact=True)).to_be_visible()


def test_a_hand_is_seen_also_by_those_who_come_later(join, lesson):
    student = student_of(lesson, display_name="Ada")
    ours = join(student, lesson)
    press(ours, "Raise hand")
    theirs = join(lesson.course.teacher, lesson)
    expect(tile(theirs, "Ada")).to_contain_text("Hand raised")
    told(theirs, "Ada raised a hand.")
    press(ours, "Raise hand")
    expect(tile(theirs, "Ada").get_by_text("Hand raised")).to_be_hidden()


def test_a_tile_is_pinned_and_ones_own_is_hidden(join, lesson, hall):
    ada, ben = student_of(lesson, display_name="Ada"), student_of(lesson, display_name="Ben")
    page = join(lesson.course.teacher, lesson)
    for user in (ada, ben):
        hall.enter(user, camera=True)
    tile(page, "Ben").hover()
    press(page, "Pin Ben")
    until(page, WIDER, ["Ben", "Ada"])
    press(page, "Settings")
    press(page, "Hide my own picture")
    press(page, "Done")
    expect(tile(page, "(you)")).to_have_count(0)
    press(page, "Settings")
    press(page, "Audio only")
    press(page, "Done")
    expect(tile(page, "Ben").locator("video")).to_have_count(0)


WIDER = """([one, other]) => {
  const width = (name) => [...document.querySelectorAll("#tiles > li")]
    .find((tile) => tile.textContent.includes(name)).getBoundingClientRect().width;
  return width(one) > 2 * width(other);
}"""
INSIDE = """() => {
  const box = document.querySelector("#tiles").getBoundingClientRect();
  return [...document.querySelectorAll("#tiles > li")].every((tile) => {
    const one = tile.getBoundingClientRect();
    return one.left >= box.left - 1 && one.right <= box.right + 1
      && one.top >= box.top - 1 && one.bottom <= box.bottom + 1 && one.width > 40;
  });
}"""


@pytest.mark.parametrize("screen", [PHONE, ON_ITS_SIDE, DESKTOP], ids=["phone", "side", "desktop"])
def test_thirty_fit_and_more_have_pages(join, lesson, hall, screen):
    page = join(lesson.course.teacher, lesson, viewport=screen)
    for count, user in enumerate(UserFactory.create_batch(30), start=2):
        hall.enter(user)
        if count in (2, 6, 30):
            expect(tiles(page)).to_have_count(count)
            until(page, INSIDE)
    expect(page.get_by_text("Page 1 of 2")).to_be_visible()
    expect(tiles(page)).to_have_count(30)
    press(page, "Next page")
    expect(tiles(page)).to_have_count(1)
    press(page, "Speaker view")
    until(page, INSIDE)
    assert overflowing(page) == []


def test_another_tab_takes_over_and_the_first_stays_out(join, lesson):
    page = join(lesson.course.teacher, lesson)
    other = page.context.new_page()
    other.goto(page.url)
    press(other, "Join now")
    says(page, "You joined in another tab")
    expect(tiles(other)).to_have_count(1)
    press(page, "Use here")
    says(other, "You joined in another tab")
    expect(tiles(page)).to_have_count(1)


def test_a_line_that_breaks_is_said_and_mended(join, lesson, hall):
    teacher = lesson.course.teacher
    page = join(teacher, lesson)
    hall.tell(teacher, "reconnecting")
    says(page, "Your connection broke. Reconnecting…")
    hall.tell(teacher, "reconnected")
    told(page, "You're connected again.")
    expect(page.get_by_text("Reconnecting…", exact=True)).to_be_hidden()


def test_it_comes_back_with_a_new_pass_when_livekit_gave_up(join, lesson, hall, livekit):
    """As LiveKit does that was started again: closed, and away for a while."""
    teacher = lesson.course.teacher
    page = join(teacher, lesson)
    passes = livekit.asked.count("CreateRoom")
    hall.shut = True
    hall.put_out(teacher, 9)
    says(page, "The room can't be reached. Trying again…")
    hall.shut = False
    expect(tile(page, "(you)")).to_be_visible()
    assert livekit.asked.count("CreateRoom") > passes


def test_sound_is_turned_on_with_a_press(join, lesson, hall):
    teacher = lesson.course.teacher
    page = join(teacher, lesson)
    hall.tell(teacher, "sound", playing=False)
    press(page, "Turn on sound")
    expect(page.get_by_role("button", name="Turn on sound")).to_be_hidden()


def test_the_teacher_mutes_lets_share_removes_and_lets_in(join, lesson, hall, livekit):
    ada = student_of(lesson, display_name="Ada")
    ours, theirs = join(ada, lesson), join(lesson.course.teacher, lesson)
    room = lesson.room_name
    livekit.enter(room, ada)
    press(theirs, "People")
    press(theirs, "Mute Ada")
    told(theirs, "Ada is muted.")
    hall.tell(ada, "silence")
    told(ours, "The teacher muted your microphone.")
    expect(ours.get_by_role("button", name="Share screen")).to_be_hidden()
    press(theirs, "Let share Ada")
    told(theirs, "Ada may share their screen.")
    press(theirs, "Remove Ada")
    told(theirs, "Ada was removed and can't come back until you let them in.")
    assert livekit.inside(room) == []
    hall.put_out(ada, 4)
    says(ours, "The teacher removed you", "You can come back once the teacher lets you in.")
    expect(ours.get_by_role("button", name="Join again")).to_be_hidden()
    press(theirs, "Let in Ada")
    press(ours, "Join again")
    expect(tile(ours, "Ada (you)")).to_be_visible()


def test_the_teacher_ends_for_all_and_takes_it_back(join, lesson, hall):
    teacher, ada = lesson.course.teacher, student_of(lesson, display_name="Ada")
    ours, theirs = join(ada, lesson), join(teacher, lesson)
    press(theirs, "End for everyone")
    says(theirs, "5 of 60 minutes held.")
    press(theirs, "Keep going")
    press(theirs, "End for everyone")
    press(theirs, "End for everyone now")
    told(theirs, "The session has ended for everyone.")
    for user in (teacher, ada):
        hall.put_out(user, 5)
    says(ours, "The teacher ended the session")
    press(theirs, "Resume the session")
    press(ours, "Join again")
    told(ours, "The session goes on.")
    expect(tile(ours, "Ada (you)")).to_be_visible()


def test_leaving_leads_to_the_money(join, lesson):
    page = join(student_of(lesson), lesson)
    press(page, "Leave")
    expect(page).to_have_url(reverse("enrollments:room_after", args=[lesson.pk]))


def test_single_keys_press_buttons_unless_they_are_turned_off(join, lesson):
    page = join(lesson.course.teacher, lesson)
    microphone = page.get_by_role("button", name="Microphone")
    page.keyboard.press("m")
    expect(microphone).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("c")
    expect(page.get_by_label("Message to everybody")).to_be_focused()
    page.keyboard.type("mmm")
    expect(page.get_by_label("Message to everybody")).to_have_value("mmm")
    press(page, "Close chat")
    press(page, "Settings")
    page.get_by_label("Keyboard shortcuts").uncheck()
    press(page, "Done")
    page.keyboard.press("m")
    expect(microphone).to_have_attribute("aria-pressed", "false")


SCREENS = {
    "phone": {"viewport": PHONE},
    "side": {"viewport": ON_ITS_SIDE, "color_scheme": "dark"},
    "desktop": {"viewport": DESKTOP, "color_scheme": "dark"},
}


@pytest.mark.parametrize("screen", SCREENS)
def test_each_of_its_faces_is_good_on_every_screen(visit, lesson, hall, screen):
    ada = student_of(lesson, display_name="Ada")
    page = visit(lesson.course.teacher, lesson, reduced_motion="reduce", **SCREENS[screen])
    problems = inaccessible(page) + overflowing(page)
    press(page, "Join now")
    hall.enter(ada, camera=True, microphone=False, quality="lost")
    hall.enter(UserFactory())
    hall.write(ada, "hand", up=True)
    expect(tile(page, "Ada")).to_contain_text("Hand raised")
    hall.tell(lesson.course.teacher, "sound", playing=False)
    hall.tell(lesson.course.teacher, "reconnecting")
    for panel in ("People", "Chat"):
        press(page, panel)
        problems += inaccessible(page) + overflowing(page)
        press(page, f"Close {panel.lower()}")
    for button, close in (("Settings", "Done"), ("End for everyone", "Keep going")):
        press(page, button)
        problems += inaccessible(page)
        press(page, close)
    hall.put_out(lesson.course.teacher, 2)
    says(page, "You joined in another tab")
    assert problems + inaccessible(page) + overflowing(page) == []


def test_the_check_can_be_made_any_day(open_page):
    page = open_page(UserFactory(), **DEVICES)
    page.goto(reverse("enrollments:room_check"))
    expect(page.get_by_label("Your camera")).to_be_visible()
    assert inaccessible(page) + overflowing(page) == []
