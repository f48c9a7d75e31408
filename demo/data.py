"""The demo world as data: who is in it, which courses, and what happened to them."""

from dataclasses import dataclass, field
from datetime import time, timedelta
from decimal import Decimal

# Known to everybody, so this world has no place on a public site.
PASSWORD = "talk to me in demo"  # noqa: S105


@dataclass(frozen=True)
class Person:
    """`key` is the front of the e-mail address; `referred_by` the key of somebody above."""

    key: str
    name: str
    time_zone: str = "UTC"
    credit: Decimal = Decimal(0)
    referred_by: str = ""

    @property
    def email(self) -> str:
        return f"{self.key}@example.com"


@dataclass(frozen=True)
class DemoCourse:
    """A course and its story; people by their keys, sessions by their numbers.

    It was made, and its seats were bought, `age` ago. Then singles were bought first, so whoever
    enrolled as well had them folded in. Who paid came, and so did the teacher, but for those
    `absent`, or too `brief`ly there; of the rooms of `unheard` sessions no news came. What is
    marked "today" happens last. Its sessions begin at `at`, on the clocks of its teacher;
    without it at the last half hour.
    """

    teacher: str
    title: str
    category: str
    language: str
    level: str
    description: str
    sessions: tuple[str, ...] = ()
    full: str | None = None
    single: str | None = None
    seats: int | None = None
    minutes: int = 60
    first: timedelta = timedelta(days=2)
    every: timedelta = timedelta(days=7)
    at: time | None = time(18, 30)
    age: timedelta = timedelta(days=6)
    singles: dict[str, tuple[int, ...]] = field(default_factory=dict)
    returned: dict[str, tuple[int, ...]] = field(default_factory=dict)
    enrolled: tuple[str, ...] = ()
    absent: dict[int, tuple[str, ...]] = field(default_factory=dict)
    brief: dict[int, tuple[str, ...]] = field(default_factory=dict)
    unheard: tuple[int, ...] = ()
    changed_mind: tuple[str, ...] = ()
    late_today: tuple[str, ...] = ()
    cancelled_today: int | None = None
    moved_today: int | None = None
    archived_today: bool = False


@dataclass(frozen=True)
class DemoWithdrawal:
    """What somebody asked to be paid, and what became of it; `word` is a reference or a reason."""

    person: str
    amount: Decimal
    status: str
    word: str = ""


STAFF = Person("staff", "Robin Clark")

# By their group.
CLERKS = {
    "support": Person("support", "Ada Brandt"),
    "finance": Person("finance", "Luis Ortega"),
}

TEACHERS = (
    Person("sofia", "Sofía Marín", "Europe/Madrid"),
    Person("james", "James Okafor", "Europe/London"),
    Person("claire", "Claire Dubois", "Europe/Paris"),
    Person("hana", "Hana Sato", "Asia/Tokyo"),
)

STUDENTS = (
    Person("noah", "Noah Weber", "Europe/Berlin", Decimal(600), referred_by="sofia"),
    Person("lena", "Lena Kowalska", "Europe/Warsaw", Decimal(500), referred_by="noah"),
    Person("tom", "Tom Baker", "America/New_York", Decimal(400)),
    Person("aisha", "Aisha Rahman", "Asia/Dubai", Decimal(450)),
    Person("mateo", "Mateo Silva", "America/Sao_Paulo", Decimal(350), referred_by="james"),
    Person("ines", "Inês Costa", "Europe/Lisbon", Decimal(450)),
    Person("yuki", "Yuki Tanaka", "Asia/Tokyo", Decimal(400)),
    Person("ben", "Ben Novak", "Europe/Prague", Decimal(5)),
)

COURSES = (
    DemoCourse(
        teacher="james",
        title="Speaking in public without fear",
        category="Communication",
        language="English",
        level="beginner",
        description="Breathing, structure and a friendly audience. Every session ends with a "
        "short talk of your own and feedback that you can use the next day.",
        sessions=(
            "Your first two minutes",
            "A story with a point",
            "Slides that stay out of the way",
            "Questions from the floor",
        ),
        full="72.00",
        single="20.00",
        seats=10,
        minutes=75,
        first=timedelta(days=-30),
        at=time(19, 0),
        age=timedelta(days=40),
        enrolled=("noah", "aisha", "ines"),
        singles={"tom": (1, 3)},
        absent={2: ("aisha",), 3: ("noah",), 4: ("james",)},
        brief={3: ("tom",)},
    ),
    DemoCourse(
        teacher="james",
        title="E-mails that get answered",
        category="Business",
        language="English",
        level="intermediate",
        description="Shorter subjects, clearer requests, fewer apologies. Bring e-mails of your "
        "own; we rewrite them together.",
        sessions=("Say what you want", "Bad news, well told", "The follow-up"),
        full="45.00",
        single="18.00",
        first=timedelta(days=-10),
        every=timedelta(days=12),
        at=time(17, 30),
        age=timedelta(days=20),
        enrolled=("mateo", "yuki"),
        absent={1: ("yuki",)},
        archived_today=True,
    ),
    DemoCourse(
        teacher="sofia",
        title="Spanish for travellers: three evenings",
        category="Languages",
        language="Spanish",
        level="beginner",
        description="Order, ask the way, make friends. Three evenings, no grammar tables.",
        sessions=("At the counter", "Where is the station?", "Nice to meet you"),
        full="36.00",
        single="14.00",
        first=timedelta(days=-21),
        every=timedelta(days=5),
        age=timedelta(days=28),
        enrolled=("lena", "tom"),
        singles={"aisha": (2,)},
        unheard=(2,),
    ),
    DemoCourse(
        teacher="james",
        title="Python for curious beginners",
        category="Programming",
        language="English",
        level="beginner",
        description="From the first line to a small program of your own. No experience needed, "
        "only a computer and some patience.",
        sessions=(
            "Talking to the computer",
            "Names and numbers",
            "Decisions",
            "Again and again",
            "Lists and dictionaries",
            "A program of your own",
        ),
        full="90.00",
        single="18.00",
        seats=20,
        minutes=90,
        first=timedelta(days=-10),
        age=timedelta(days=18),
        enrolled=("noah", "lena", "aisha"),
        singles={"mateo": (1, 2, 4)},
        late_today=("yuki",),
    ),
    DemoCourse(
        teacher="claire",
        title="Reading a query plan",
        category="Programming",
        language="English",
        level="advanced",
        description="Why is it slow? Indexes, joins and statistics on real plans of real "
        "databases. Bring a query that hurts.",
        sessions=("Scans and seeks", "How joins are chosen", "When statistics lie"),
        full="120.00",
        single="45.00",
        seats=8,
        first=timedelta(days=-7),
        at=None,
        age=timedelta(days=12),
        enrolled=("tom",),
        singles={"noah": (2,), "ines": (2, 3)},
    ),
    DemoCourse(
        teacher="sofia",
        title="Conversational Spanish: from shy to chatty",
        category="Languages",
        language="Spanish",
        level="intermediate",
        description="Seven conversations about ordinary life. We correct what stops you from being "
        "understood, and let the rest pass.",
        sessions=(
            "Introductions that go somewhere",
            "My street, my city",
            "Food and opinions",
            "What happened yesterday",
            "Plans and excuses",
            "A polite quarrel",
            "Telling jokes",
        ),
        full="80.00",
        single="12.00",
        seats=12,
        first=timedelta(days=3),
        every=timedelta(days=2),
        at=time(18, 0),
        singles={"noah": (1, 2, 3, 4, 5, 6, 7), "aisha": (1, 2)},
        returned={"mateo": (3,)},
        enrolled=("noah", "lena"),
        changed_mind=("tom",),
    ),
    DemoCourse(
        teacher="hana",
        title="Watercolour: skies and water",
        category="Art",
        language="English",
        level="beginner",
        description="A very small group, so that everybody's sheet gets looked at. A list of "
        "paper and paints comes with the first session.",
        sessions=("Washes", "Clouds", "Reflections", "A whole landscape"),
        full="110.00",
        seats=3,
        minutes=120,
        first=timedelta(days=4),
        at=time(17, 0),
        enrolled=("ines", "yuki", "aisha"),
    ),
    DemoCourse(
        teacher="claire",
        title="Le français au travail",
        category="Business",
        language="French",
        level="intermediate",
        description="Meetings, telephone calls and small talk in the corridor, all in French.",
        sessions=("Se présenter", "La réunion", "Au téléphone", "Négocier", "Le pot de départ"),
        full="75.00",
        single="17.50",
        seats=10,
        first=timedelta(days=1),
        every=timedelta(days=3),
        at=time(12, 30),
        enrolled=("tom", "lena"),
        singles={"mateo": (3,), "ines": (3, 4)},
        cancelled_today=3,
    ),
    DemoCourse(
        teacher="james",
        title="Guitar: your first ten songs",
        category="Music",
        language="English",
        level="beginner",
        description="Three chords carry you a long way. Ten songs, five evenings, and calluses.",
        sessions=("Two chords", "A third one", "Strumming", "Barre, gently", "Play along"),
        full="65.00",
        single="15.00",
        first=timedelta(days=2),
        every=timedelta(days=4),
        enrolled=("noah", "mateo"),
        singles={"aisha": (4,)},
        moved_today=4,
    ),
    DemoCourse(
        teacher="hana",
        title="Japanese calligraphy",
        category="Art",
        language="Japanese",
        level="beginner",
        description="Brush, ink and posture; eight characters that are worth a wall. Sold as a "
        "whole, because each session builds on the last.",
        sessions=("The brush", "Eternity", "Dream", "Your own scroll"),
        full="95.00",
        seats=6,
        minutes=90,
        first=timedelta(days=8),
        at=time(19, 30),
        enrolled=("aisha",),
    ),
    DemoCourse(
        teacher="hana",
        title="Chess clinic: endgames",
        category="Games",
        language="English",
        level="advanced",
        description="Every session stands alone: come to those that you need.",
        sessions=("King and pawn", "Rook endings", "Minor pieces", "Queens on the board"),
        single="9.50",
        seats=16,
        first=timedelta(days=1),
        every=timedelta(days=1),
        at=time(20, 0),
        singles={"tom": (1, 2), "yuki": (2,), "noah": (4,)},
        returned={"tom": (3,)},
    ),
    DemoCourse(
        teacher="claire",
        title="Mindful mornings",
        category="Wellbeing",
        language="English",
        level="beginner",
        description="Half an hour before the day begins. Any number of people, cameras off.",
        sessions=("Sit", "Breathe", "Listen", "Walk", "Rest"),
        full="10.00",
        single="2.50",
        minutes=30,
        first=timedelta(days=5),
        every=timedelta(days=1),
        at=time(7, 0),
        enrolled=("ines", "mateo"),
        changed_mind=("yuki",),
    ),
    DemoCourse(
        teacher="sofia",
        title="Spanish short stories",
        category="Literature",
        language="Spanish",
        level="advanced",
        description="One story a week, read at home and taken apart together. Dates to follow.",
        full="88.00",
        single="20.00",
        seats=8,
    ),
)

PAID_TO = "talkplatform demo account, ES91 2100 0418 4502 0005 1332"
WITHDRAWALS = (
    DemoWithdrawal("james", Decimal("40.00"), "completed", "SEPA 2026-0042"),
    DemoWithdrawal("james", Decimal("15.00"), "rejected", "The bank does not know this account."),
    DemoWithdrawal("james", Decimal("12.00"), "cancelled"),
    DemoWithdrawal("james", Decimal("20.00"), "requested"),
    DemoWithdrawal("sofia", Decimal("10.00"), "approved"),
)
