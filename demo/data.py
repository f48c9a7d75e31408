"""The demo world as data: who is in it, which courses, and what happened to them."""

from dataclasses import dataclass, field
from datetime import time, timedelta
from decimal import Decimal

from accounts.models import User
from courses.models import Course
from payments.models import Withdrawal

# The users made of the people below, by their keys.
People = dict[str, User]

# Everyone knows it, so the demo world has no place on a public site.
PASSWORD = "talk to me in demo"  # noqa: S105


@dataclass(frozen=True)
class Person:
    """`key` starts the email address; `referred_by` is the key of someone listed earlier.

    What a teacher says of themselves are `words`.
    """

    key: str
    name: str
    time_zone: str = "UTC"
    credit: Decimal = Decimal(0)
    referred_by: str = ""
    words: str = ""

    @property
    def email(self) -> str:
        return f"{self.key}@example.com"


@dataclass(frozen=True)
class DemoCourse:
    """A course and its story: people by their keys, sessions by their numbers.

    It went on sale and was bought `age` ago: single sessions first, so students who then enrolled
    had theirs folded in. Its sessions start at `at` on the teacher's clock, or without it at the
    last half hour. Everyone who paid came, and so did the teacher, apart from those who were
    `absent` or there too `brief`ly; LiveKit sent no news of `unheard` sessions. What ends in
    "today" happens last.
    """

    teacher: str
    title: str
    category: str
    language: str
    level: Course.Level
    description: str
    sessions: tuple[str, ...] = ()
    full: Decimal | None = None
    single: Decimal | None = None
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
    why: str = ""
    written_today: str = ""
    archived_today: bool = False


@dataclass(frozen=True)
class DemoWithdrawal:
    """A request to be paid, and how it ended; `word` is the payment's reference or a reason."""

    person: str
    amount: Decimal
    status: Withdrawal.Status
    word: str = ""


STAFF = Person("staff", "Robin Clark")

# By their group.
CLERKS = {
    "support": Person("support", "Ada Brandt"),
    "finance": Person("finance", "Luis Ortega"),
}

TEACHERS = (
    Person(
        "sofia",
        "Sofía Marín",
        "Europe/Madrid",
        words="I grew up in Granada and have taught Spanish for **twelve years**, most of them to "
        "people who thought they had no ear for languages.\n\nIn my groups you speak from the "
        "first minute:\n\n- short turns, for everyone\n- mistakes are welcome\n- homework only if "
        "you ask for it",
    ),
    Person(
        "james",
        "James Okafor",
        "Europe/London",
        words="Former radio producer, now a trainer for speaking and writing at work. I like small "
        "groups, plain words and a good question.",
    ),
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
        level=Course.Level.BEGINNER,
        description="Breathing, structure and a friendly audience. Every session ends with a "
        "short talk of your own and feedback you can use the next day.",
        sessions=(
            "Your first two minutes",
            "A story with a point",
            "Slides that stay out of the way",
            "Questions from the floor",
        ),
        full=Decimal("72.00"),
        single=Decimal("20.00"),
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
        title="Emails that get answered",
        category="Business",
        language="English",
        level=Course.Level.INTERMEDIATE,
        description="Shorter subjects, clearer requests, fewer apologies. Bring some of your own "
        "emails; we rewrite them together.",
        sessions=("Say what you want", "Bad news, well told", "The follow-up"),
        full=Decimal("45.00"),
        single=Decimal("18.00"),
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
        level=Course.Level.BEGINNER,
        description="Order food, ask the way, make friends. Three evenings, no grammar tables.",
        sessions=("At the counter", "Where is the station?", "Nice to meet you"),
        full=Decimal("36.00"),
        single=Decimal("14.00"),
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
        level=Course.Level.BEGINNER,
        description="From the first line to a small program of your own. No experience needed, "
        "just a computer and some patience.",
        sessions=(
            "Talking to the computer",
            "Names and numbers",
            "Decisions",
            "Again and again",
            "Lists and dictionaries",
            "A program of your own",
        ),
        full=Decimal("90.00"),
        single=Decimal("18.00"),
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
        level=Course.Level.ADVANCED,
        description="Why is it slow? Indexes, joins and statistics on real plans of real "
        "databases. Bring a query that hurts.",
        sessions=("Scans and seeks", "How joins are chosen", "When statistics lie"),
        full=Decimal("120.00"),
        single=Decimal("45.00"),
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
        level=Course.Level.INTERMEDIATE,
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
        full=Decimal("80.00"),
        single=Decimal("12.00"),
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
        level=Course.Level.BEGINNER,
        description="A very small group, so that everyone's work gets looked at. You'll get a list "
        "of paper and paints in the first session.",
        sessions=("Washes", "Clouds", "Reflections", "A whole landscape"),
        full=Decimal("110.00"),
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
        level=Course.Level.INTERMEDIATE,
        description="Meetings, telephone calls and small talk in the corridor, all in French.",
        sessions=("Se présenter", "La réunion", "Au téléphone", "Négocier", "Le pot de départ"),
        full=Decimal("75.00"),
        single=Decimal("17.50"),
        seats=10,
        first=timedelta(days=1),
        every=timedelta(days=3),
        at=time(12, 30),
        enrolled=("tom", "lena"),
        singles={"mateo": (3,), "ines": (3, 4)},
        cancelled_today=3,
        why="I have lost my voice, and a lesson on the telephone needs one. I am sorry!",
    ),
    DemoCourse(
        teacher="james",
        title="Guitar: your first ten songs",
        category="Music",
        language="English",
        level=Course.Level.BEGINNER,
        description="Three chords carry you a long way. Ten songs, five evenings, and calluses.",
        sessions=("Two chords", "A third one", "Strumming", "Barre, gently", "Play along"),
        full=Decimal("65.00"),
        single=Decimal("15.00"),
        first=timedelta(days=2),
        every=timedelta(days=4),
        enrolled=("noah", "mateo"),
        singles={"aisha": (4,)},
        moved_today=4,
        why="My choir sings that evening. The day after suits me, and I hope it suits you.",
        written_today="Please tune your guitar before we start: standard tuning, E A D G B E.\n\n"
        "Any free tuning app will do. If a string breaks, come anyway; I'll show you how to "
        "replace it.",
    ),
    DemoCourse(
        teacher="hana",
        title="Japanese calligraphy",
        category="Art",
        language="Japanese",
        level=Course.Level.BEGINNER,
        description="Brush, ink and posture; eight characters worth hanging on a wall. "
        "Sold as a full course only, because each session builds on the last.",
        sessions=("The brush", "Eternity", "Dream", "Your own scroll"),
        full=Decimal("95.00"),
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
        level=Course.Level.ADVANCED,
        description="Every session stands alone: come to the ones you need.",
        sessions=("King and pawn", "Rook endings", "Minor pieces", "Queens on the board"),
        single=Decimal("9.50"),
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
        level=Course.Level.BEGINNER,
        description="Half an hour before the day begins. Any number of people, cameras off.",
        sessions=("Sit", "Breathe", "Listen", "Walk", "Rest"),
        full=Decimal("10.00"),
        single=Decimal("2.50"),
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
        level=Course.Level.ADVANCED,
        description="One story a week, read at home and taken apart together. Dates to follow.",
        full=Decimal("88.00"),
        single=Decimal("20.00"),
        seats=8,
    ),
)

PAID_TO = "talkplatform demo account, ES91 2100 0418 4502 0005 1332"
WITHDRAWALS = (
    DemoWithdrawal("james", Decimal("40.00"), Withdrawal.Status.COMPLETED, "SEPA 2026-0042"),
    DemoWithdrawal(
        "james",
        Decimal("15.00"),
        Withdrawal.Status.REJECTED,
        "The bank found no such account.",
    ),
    DemoWithdrawal("james", Decimal("12.00"), Withdrawal.Status.CANCELLED),
    DemoWithdrawal("james", Decimal("20.00"), Withdrawal.Status.REQUESTED),
    DemoWithdrawal("sofia", Decimal("10.00"), Withdrawal.Status.APPROVED),
)
