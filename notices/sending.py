"""One pass of a sender: waiting emails are sent, reader by reader.

Any number of senders may run at once, on any number of machines. An email is handed over outside of
any transaction: the claim is committed before it, and the result after it. So it can be sent twice,
with the same Message-ID, only if the mail server accepted it and the answer was lost (because the
connection or the sender died), or if a sender froze until its claim had run out.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from queue import Empty, Queue
from threading import Event, Lock, Thread
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from common.errors import Unavailable
from common.transactions import is_passing, refuse_within_operation
from notices import delivery
from notices.delivery import Answer, ServerFailed, Verdict, harmless
from notices.kinds import NoLongerTrue, address_of
from notices.models import Mailbox, Notice
from notices.reasons import why_not
from notices.rendering import mail_of
from notices.services import claiming
from notices.services.claiming import Claim

logger = logging.getLogger(__name__)

Mail = Notice.Mail
AT_ONCE = 200
# How often idle workers check for new work while others are busy.
LOOK_SECONDS = 0.5
TICK_SECONDS = 0.2
# How long an email that is being handed over at the end may take: less than the server waits for
# it.
STOP_SECONDS = 4
Write = Callable[[], object]
# Slow domains: only one worker at a time waits for all of them together.
_slow: set[str] = set()


def is_anything_due() -> bool:
    """Whether a pass would have something to do."""
    return claiming.is_anything_due() and not claiming.server_rests()


def send_due() -> Iterator[Notice | None]:
    """Send what is due; gives each email once its fate is known, and None while waiting.

    Stopping the iteration ends it: an email that is being handed over is finished if that is quick.
    Raises `RuntimeError` inside an operation, which would hold its locks meanwhile.
    """
    refuse_within_operation()
    if claiming.server_rests():
        return
    crew = Crew()
    if settings.MAIL_CONNECTIONS == 1 or not delivery.by_smtp():
        yield from crew.work()
    elif crew.look():
        yield from crew.work_together(settings.MAIL_CONNECTIONS)


class Crew:
    """The workers of one pass, and the readers whose turn it is."""

    def __init__(self) -> None:
        self.over = Event()
        self._lock = Lock()
        self._next: deque[tuple[UUID, str]] = deque()
        self._busy: dict[UUID, str] = {}
        self._put_off: set[UUID] = set()

    def look(self) -> bool:
        """Whether any reader is due; those who were put off are skipped while that lasts."""
        if not self._waits_for_slow():
            self._put_off.clear()
        readers = claiming.due_readers(AT_ONCE, without=self._put_off)
        addresses = claiming.addresses_of(readers)
        self._next.extend((key, _domain_of(addresses[key])) for key in readers)
        return bool(readers)

    def _waits_for_slow(self) -> bool:
        return not _slow.isdisjoint(self._busy.values())

    def work_together(self, workers: int) -> Iterator[Notice | None]:
        """The results and errors of this many workers, and None now and again while they work."""
        done: Queue[Notice | Exception] = Queue()
        threads = [
            Thread(target=self._work_into, args=(done,), daemon=True) for _ in range(workers)
        ]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads) or not done.empty():
                yield from _arrived(done)
        finally:
            self.over.set()
            soon = time.monotonic() + STOP_SECONDS
            for thread in threads:
                thread.join(max(0.0, soon - time.monotonic()))

    def work(self) -> Iterator[Notice]:
        """Take one reader after the other until there are none, or the mail server fails."""
        while not self.over.is_set():
            reader = self._pick()
            if reader is None and not self._busy:
                return
            if reader is None:
                self.over.wait(LOOK_SECONDS)
                continue
            try:
                yield from _serve(reader)
            except ServerFailed as error:
                self.over.set()
                logger.warning("the mail server fails: %s", error)
                claiming.server_failed(str(error))
            finally:
                with self._lock:
                    del self._busy[reader]

    def _pick(self) -> UUID | None:
        with self._lock:
            return self._pick_next() or (self._pick_next() if self.look() else None)

    def _pick_next(self) -> UUID | None:
        while self._next:
            reader, domain = self._next.popleft()
            if domain in _slow and self._waits_for_slow():
                self._put_off.add(reader)
            elif reader not in self._busy:
                self._busy[reader] = domain
                return reader
        return None

    def _work_into(self, done: "Queue[Notice | Exception]") -> None:
        try:
            for notice in self.work():
                done.put(notice)
        except Exception as error:  # noqa: BLE001 # raised where the work was asked for
            done.put(error)
        finally:
            connections.close_all()


def _arrived(done: "Queue[Notice | Exception]") -> Iterator[Notice | None]:
    try:
        piece = done.get(timeout=TICK_SECONDS)
    except Empty:
        yield None
        return
    if isinstance(piece, Exception):
        raise piece
    yield piece


def _serve(reader_id: UUID) -> Iterator[Notice]:
    """Send a reader's mails in order, as long as the mailbox is ours. Raises `ServerFailed`."""
    held = claiming.claim(reader_id)
    if held is None:
        return
    try:
        for number, notice in enumerate(claiming.waiting_of(reader_id)):
            held = claiming.keep(held) if number else held
            # Read for each email: the address may have changed while the one before was sent.
            mailbox = claiming.mailbox_of(reader_id)
            notice.reader = mailbox.reader
            if held is None or not _deal_with(notice, mailbox, held):
                return
            yield notice
    finally:
        if held:
            claiming.release(held)


def _deal_with(notice: Notice, mailbox: Mailbox, held: Claim) -> bool:
    """Send an email, or note why not; gives whether the reader's next one may follow."""
    message = _message_of(notice, mailbox)
    if message is None:
        return True
    began = time.monotonic()
    with delivery.line(held.deadline) as send:
        answer = send(message)
        goes_on = _note(notice, mailbox, held, answer)
    took_long = time.monotonic() - began > settings.MAIL_SECONDS / 2
    domain = _domain_of(message.to[0])
    if took_long and answer.verdict is Verdict.LATER:
        _slow.add(domain)
    elif not took_long:
        _slow.discard(domain)
    return goes_on


def _message_of(notice: Notice, mailbox: Mailbox) -> EmailMultiAlternatives | None:
    """The email, or None, with a note why there is none."""
    try:
        if reason := why_not(notice, mailbox):
            raise NoLongerTrue(reason)
        return mail_of(notice)
    except NoLongerTrue as reason:
        claiming.note(notice, Mail.DROPPED, harmless(str(reason)))
    except Exception as error:
        if is_passing(error) or isinstance(error, Unavailable):
            raise
        logger.exception("no mail can be made of the notice %s", notice)
        claiming.note(notice, Mail.SET_ASIDE, harmless(f"{type(error).__name__}: {error}"))
    return None


def _note(notice: Notice, mailbox: Mailbox, held: Claim, answer: Answer) -> bool:
    """Note what happened to an email; gives whether the reader's next one may follow."""
    if answer.verdict is Verdict.ACCEPTED:
        _insist(lambda: claiming.note(notice, Mail.SENT))
        claiming.recovered(mailbox)
        return True
    logger.warning("%s was not taken: %s", notice, answer.said)
    if answer.verdict is Verdict.LATER:
        return _wait(notice, mailbox, held, answer.said)
    if answer.verdict is Verdict.REFUSED:
        claiming.note(notice, Mail.SET_ASIDE, answer.said)
        return True
    claiming.note(notice, Mail.DROPPED, answer.said)
    if address_of(notice) == notice.reader.email:
        claiming.stop_address(mailbox, notice.reader.email, answer.said)
    return True


def _wait(notice: Notice, mailbox: Mailbox, held: Claim, said: str) -> bool:
    """Try again later, with all that follow; one that is never accepted must not hold them up."""
    if mailbox.failures + 1 < claiming.TRIES:
        claiming.rest(held, mailbox.failures + 1)
        return False
    claiming.note(notice, Mail.SET_ASIDE, said)
    claiming.recovered(mailbox)
    return True


def _insist(write: Write) -> None:
    """Record what the mail server accepted, retrying while the database is away."""
    while True:
        try:
            write()
        except Unavailable:
            logger.warning("the database is away, and a mail is not noted")
        except (OperationalError, InterfaceError) as error:
            if not is_passing(error):
                raise
        else:
            return
        close_old_connections()
        time.sleep(TICK_SECONDS)


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2]
