"""What the signs of a room tell, whatever order they come in: arithmetic, against counting."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.presence import (
    Evidence,
    Span,
    Stay,
    Watch,
    add_event,
    add_sign,
    gaps,
    length,
    union,
    within,
)

MINUTE = timedelta(minutes=1)
LONG = 60
START = datetime(2026, 3, 1, 18, tzinfo=UTC)
ANN, BEN = UUID(int=1), UUID(int=2)


def at(minute: float) -> datetime:
    return START + minute * MINUTE


def evidence(stays=(), watches=(), *, changed_at=None) -> Evidence:
    return Evidence(
        stays,
        watches,
        start=START,
        end=at(LONG),
        changed_at=None if changed_at is None else at(changed_at),
        apart=10 * MINUTE,
    )


def stay(since, until, *, seen=None, gone=None, room="RM_1") -> Stay:
    """Ann's connection, by minutes; an end of None was lost."""
    seen = max(n for n in (since, until, seen) if n is not None)
    moments = [None if n is None else at(n) for n in (since, until, seen, gone)]
    return Stay(room, *moments)


def room(since, until, *, seen=None, sid="RM_1") -> Watch:
    seen = max((n for n in (since, until, seen) if n is not None), default=0)
    return Watch(sid, *[None if n is None else at(n) for n in (since, until, seen)])


def polls(*minutes) -> list[Watch]:
    return [room(n, n, sid="") for n in minutes]


def minutes(known: Evidence, user=ANN) -> tuple[float, float]:
    return known.least(user) / MINUTE, known.most(user) / MINUTE


# The algebra of spans.

moments = st.integers(-30, LONG + 30)
some_spans = st.lists(st.tuples(moments, moments), max_size=8).map(
    lambda pairs: [(at(min(pair)), at(max(pair))) for pair in pairs]
)


def minutes_of(spans: list[Span]) -> set[int]:
    """The minutes of the hour that lie in some span."""
    return {n for n in range(LONG) if any(a <= at(n) and at(n + 1) <= b for a, b in spans)}


@given(some_spans)
def test_spans_are_what_counting_each_minute_gives(spans):
    inside = within(spans, START, at(LONG))
    assert length(inside) == len(minutes_of(spans)) * MINUTE
    assert minutes_of(gaps(spans, START, at(LONG))) == {*range(LONG)} - minutes_of(spans)
    assert length(gaps(spans, START, at(LONG))) + length(inside) == LONG * MINUTE


@given(some_spans, st.integers(0, 20))
def test_spans_no_further_apart_are_one(spans, apart):
    joined = union(spans, apart * MINUTE)
    assert all(b[0] - a[1] > apart * MINUTE for a, b in pairwise(joined))
    assert minutes_of(spans) <= minutes_of(joined)
    assert union(joined, apart * MINUTE) == joined


# Single rules.


def test_nothing_known_may_be_all_or_nothing():
    assert minutes(evidence()) == (0, 60)


def test_a_room_is_watched_from_its_start_to_its_end():
    assert minutes(evidence([(ANN, stay(0, 5))], [room(-1, 10)])) == (5, 55)
    assert minutes(evidence([], [room(-1, 60)])) == (0, 0)
    for lost in (room(-1, None), room(None, 60), room(-1440, None), room(None, None, seen=60)):
        assert minutes(evidence([], [lost])) == (0, 60)


def test_the_end_of_one_room_says_nothing_of_another():
    assert minutes(evidence([], [room(-1, None), room(None, 60, sid="RM_2")])) == (0, 60)


def test_polls_watch_the_time_between_them():
    assert minutes(evidence([], polls(0, 10, 20))) == (0, 40)
    assert minutes(evidence([], polls(0, 10, 21, 31))) == (0, 40)
    assert minutes(evidence([], polls(30))) == (0, 60)
    assert minutes(evidence([], [*polls(-5, 5), room(12, 60)])) == (0, 7)


def test_a_stay_whose_end_was_lost_is_vouched_for():
    """By its own last sign, the last sign of its room, or the end of that."""
    assert minutes(evidence([(ANN, stay(10, None))], [room(0, None, seen=10)]))[0] == 0
    assert minutes(evidence([(ANN, stay(10, None, seen=30))], []))[0] == 20
    assert minutes(evidence([(ANN, stay(10, None))], [room(0, None, seen=45)]))[0] == 35
    assert minutes(evidence([(ANN, stay(10, None))], [room(0, 50)]))[0] == 40
    assert minutes(evidence([(ANN, stay(10, None))], [room(0, 50, sid="RM_2")]))[0] == 0


def test_a_poll_that_does_not_find_it_ends_it():
    assert minutes(evidence([(ANN, stay(10, None, gone=20))], [room(0, 60)])) == (10, 10)


@pytest.mark.parametrize(
    ("run", "lasted"),
    [((0, 60), 10), ((8, 12), 7), ((20, 60), 15), ((-9, 4), 55)],
    ids=["throughout", "for a while", "from later on", "before"],
)
def test_what_is_heard_of_after_the_polls_ends_where_they_did_not_find_it(run, lasted):
    """Came at five minutes, and the end was lost; no poll could note that it did not find it."""
    known = evidence([(ANN, stay(5, None))], [room(-9, 60), room(*run, sid="")])
    assert minutes(known) == (lasted, lasted)


def test_another_room_ends_what_is_open_of_the_one_before():
    """LiveKit died and came back: of the old room nothing is ever heard again."""
    there = [(ANN, stay(0, None)), (ANN, stay(22, 60, room="RM_2"))]
    rooms = [room(-1, None, seen=15), room(21, 60, sid="RM_2")]
    assert minutes(evidence(there, rooms)) == (15 + 38, 59)
    late = [room(-1, 58), room(21, 60, sid="RM_2")]
    assert evidence(there[:1], late).least(ANN) == 0 * MINUTE


def test_a_room_that_started_before_somebody_came_ends_nothing():
    rooms = [room(-30, -20, sid="RM_0"), room(-1, 60)]
    assert minutes(evidence([(ANN, stay(0, None))], rooms)) == (60, 60)


def test_what_gave_no_sign_since_the_session_was_moved_counts_no_more():
    waiting = stay(-18, None)
    assert minutes(evidence([(ANN, waiting)], [room(-20, 60)], changed_at=-12)) == (0, 0)
    add_sign(waiting, at(61), ends=True)
    assert minutes(evidence([(ANN, waiting)], [room(-20, 61)], changed_at=-12)) == (60, 60)


def test_who_came_after_the_move_counts():
    assert minutes(evidence([(ANN, stay(5, None))], [room(0, 60)], changed_at=-12)) == (55, 55)


def test_everybody_has_their_own():
    known = evidence([(ANN, stay(0, 10)), (BEN, stay(0, 60))], [room(0, 60)])
    assert known.people() == {ANN, BEN}
    assert (minutes(known), minutes(known, BEN)) == ((10, 10), (60, 60))


# Signs add up to the same in any order, and tell what happened where none is lost.


@dataclass
class Notes:
    """What is written down of signs: as the database keeps it."""

    stays: dict[str, Stay] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)

    def hear(self, kind: str, minute: int, sid: str, connection: str = "", since=None) -> None:
        watch = self.watches.setdefault(sid, Watch(sid, None, None, at(minute)))
        add_event(watch, kind, at(minute))
        if connection:
            there = self.stays.setdefault(connection, Stay(sid, None, None, at(minute), None))
            began = None if since is None else at(since)
            add_sign(there, at(minute), since=began, ends=kind in ("left", "aborted"))

    def evidence(self) -> Evidence:
        return evidence([(ANN, stay) for stay in self.stays.values()], self.watches.values())


@st.composite
def stories(draw):
    """Rooms one after the other, Ann coming and going in each; every sign of it."""
    signs, there, edges = [], [], sorted(draw(st.sets(moments, min_size=2, max_size=6)))
    names = count()
    for begin, end in zip(edges[::2], edges[1::2], strict=False):
        sid = f"RM_{next(names)}"
        signs += [("room_started", begin, sid), ("room_finished", end, sid)]
        inside = st.integers(begin, end)
        for since, until in draw(st.lists(st.tuples(inside, inside).map(sorted), max_size=3)):
            name = f"PA_{next(names)}"
            there.append((at(since), at(until)))
            signs.append(("joined", since, sid, name, since))
            signs.append(("left", until, sid, name, since))
        for minute in draw(st.lists(inside, max_size=2)):
            signs.append(("aborted", minute, sid, f"PA_{next(names)}"))
            signs.append(("track_published", minute, sid))
    return signs, there


@given(stories(), st.randoms())
def test_where_nothing_is_lost_it_is_known_who_was_there(story, random):
    signs, there = story
    notes = Notes()
    told = signs + random.choices(signs, k=3) if signs else []
    random.shuffle(told)
    for sign in told:
        notes.hear(*sign)
    known = notes.evidence()
    assert known.least(ANN) == length(within(there, START, at(LONG)))
    assert known.most(ANN) == known.least(ANN) + known.unwatched


@given(stories(), st.data())
def test_what_is_lost_makes_nothing_certain_that_was_not(story, data):
    """Of lost joins their ends tell; no sign makes Ann be there outside the rooms' times."""
    signs, there = story
    lost = data.draw(st.sets(st.sampled_from(signs))) if signs else set()
    notes, complete = Notes(), Notes()
    for sign in signs:
        complete.hear(*sign)
        if sign[0] == "left" or sign not in lost:
            notes.hear(*sign)
    known = notes.evidence()
    assert known.least(ANN) == length(within(there, START, at(LONG)))
    assert known.unwatched >= complete.evidence().unwatched
    assert known.least(ANN) <= known.most(ANN) <= LONG * MINUTE


@given(stories(), st.data())
def test_in_any_order_signs_tell_the_same(story, data):
    signs = [sign for sign in story[0] if data.draw(st.booleans())]
    one, other = Notes(), Notes()
    for sign in signs:
        one.hear(*sign)
    for sign in data.draw(st.permutations(signs)):
        other.hear(*sign)
    assert (one.stays, one.watches) == (other.stays, other.watches)
