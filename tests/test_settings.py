"""The settings, and .env.example, which has to name every one of them."""

import re
import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
EXAMPLE = (ROOT / ".env.example").read_text()
ENTRY = re.compile(r"^(#?)([A-Z_]+)=(.*)$", re.MULTILINE)
PRODUCTION = {"ENV_FILE": "/dev/null", "SECRET_KEY": "k" * 60, "PYTHONPATH": str(ROOT)}


def read_by(name: str) -> set[str]:
    source = (ROOT / "talkplatform" / name).read_text()
    return set(re.findall(r'\benv(?:\.\w+)?\(\s*"(\w+)"', source))


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a process of its own says, which has these settings and no others."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=PRODUCTION | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_names_what_is_read_and_nothing_else():
    named = {name for _, name, _ in ENTRY.findall(EXAMPLE)}
    assert named == read_by("settings.py") | read_by("environment.py")


SHOW = """
import sys, json
from talkplatform import settings
shown = {n: v for n, v in vars(settings).items() if n.isupper() and n != "SECRET_KEY"}
print(json.dumps(shown, default=str, sort_keys=True))
"""


def test_the_example_shows_the_defaults():
    example = {name: value for off, name, value in ENTRY.findall(EXAMPLE) if not off}
    given = run(SHOW, **example | {"SECRET_KEY": PRODUCTION["SECRET_KEY"]})
    assert given.stdout == run(SHOW).stdout
    assert "COMMISSION_BP" in given.stdout


@pytest.mark.parametrize("written", ["", "SECRET_KEY=\n"])
def test_without_a_secret_nothing_starts(tmp_path, written):
    file = tmp_path / "env"
    file.write_text(written)
    code = "import os; del os.environ['SECRET_KEY']; import talkplatform.settings"
    refused = run(code, ENV_FILE=str(file))
    assert refused.returncode == 1
    assert "SECRET_KEY is not set" in refused.stderr.splitlines()[-1]


def test_a_value_in_the_environment_wins_over_the_file(tmp_path):
    file = tmp_path / "env"
    file.write_text("SECRET_KEY=theirs\nCOMMISSION_BP=1000\nREFERRAL_BP=5000\n")
    code = "from talkplatform import settings as s; print(s.COMMISSION_BP, s.REFERRAL_BP)"
    assert run(code, ENV_FILE=str(file), REFERRAL_BP="6000").stdout == "1000 6000\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMMISSION_BP", "10001"),
        ("REFERRAL_BP", "-1"),
        ("MIN_WITHDRAWAL", "NaN"),
        ("TWO_PEOPLE_ABOVE", "-0.01"),
        ("TWO_PEOPLE_ABOVE", "Infinity"),
        ("GRANT_TWO_PEOPLE_ABOVE", "-0.01"),
        ("CALENDAR_FETCHES_PER_HOUR", "0"),
        ("TOP_UP_MIN", "0"),
        ("TOP_UP_MAX", "4.99"),
        ("TOP_UPS_PER_HOUR", "0"),
        ("STRIPE_SECRET_KEY", "pk_test_1"),
        ("STRIPE_SECRET_KEY", "sk_test_1"),  # without what signs its webhooks
        ("STRIPE_WEBHOOK_SECRETS", "whsec_1"),
        ("STRIPE_STATEMENT_DESCRIPTOR", "A name of more than 22 letters"),
        ("STRIPE_STATEMENT_DESCRIPTOR", "Talk*"),
        ("PAYMENTS", "free"),
    ],
)
def test_rates_and_sums_out_of_range_are_refused(name, value):
    refused = run("import talkplatform.settings", **{name: value})
    assert name in refused.stderr.splitlines()[-1]


STRIPE = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRETS": "whsec_1"}


@pytest.mark.parametrize("public", [{"HTTPS": "true"}, {"HTTPS": "false"} | STRIPE])
def test_where_money_may_be_real_nobody_rehearses(public):
    start = "import talkplatform.settings"
    assert run(start, PAYMENTS="rehearsal", HTTPS="false").returncode == 0
    refused = run(start, PAYMENTS="rehearsal", **public)
    assert "PAYMENTS=rehearsal" in refused.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "99999"),
        ("WEB_PROCESSES", "four"),
        ("MIN_WITHDRAWAL", "ten"),
        ("MIN_WITHDRAWAL", "1E1"),
        ("MIN_WITHDRAWAL", "NaN"),
        ("MIN_WITHDRAWAL", "\u0661\u0660"),
        ("COMMISSION_BP", "٣٠٠٠"),
        ("COMMISSION_BP", "3_000"),
        ("LIVEKIT_TIMEOUT_SECONDS", "٢"),
        ("LIVEKIT_TIMEOUT_SECONDS", "2s"),
        ("DATABASE_URL", "postgres://user@localhost/talk"),
        ("DATABASE_URL", "mariadb://user@localhost/talk"),
        ("DATABASE_URL", ""),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(name, value):
    refused = run("import talkplatform.settings", **{name: value})
    assert f"ImproperlyConfigured: {name} " in refused.stderr.splitlines()[-1]
    assert value.partition(":")[0] in refused.stderr.splitlines()[-1]


def test_a_key_that_could_be_guessed_seals_nothing():
    refused = run("import talkplatform.settings", PAYOUT_KEYS=f"{'k' * 32},short")
    assert "PAYOUT_KEYS" in refused.stderr.splitlines()[-1]


def test_as_many_sessions_as_a_course_may_have_can_be_planned_at_once():
    code = "from talkplatform import settings as s; print(s.DATA_UPLOAD_MAX_NUMBER_FIELDS)"
    assert int(run(code, MAX_SESSIONS_PER_COURSE="400").stdout) > 4 * 400


def test_a_socket_in_the_address_reaches_the_driver():
    address = "mysql://root@localhost/talk?unix_socket=/run/db.sock"
    code = "from talkplatform.settings import DATABASES as d; print(d['default']['OPTIONS'])"
    options = run(code, DATABASE_URL=address).stdout
    assert "'unix_socket': '/run/db.sock'" in options
    assert "read committed" in options
    assert environ.Env.db_url_config(address)["NAME"] == "talk"
