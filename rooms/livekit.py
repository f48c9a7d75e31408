"""LiveKit, and the only importer of its library: room tokens, signed webhooks, who is in a room."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp
from django.conf import settings
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from livekit import api
from livekit.api.room_service import RoomService
from livekit.protocol.models import (
    DisconnectReason,
    ParticipantInfo,
    ParticipantPermission,
    TrackSource,
)
from livekit.protocol.webhook import WebhookEvent

from accounts.models import User
from common.errors import InvalidSignature, MalformedEvent
from common.silence import Silence
from rooms.errors import VideoNotConfigured

T = TypeVar("T")

# Everybody can be seen and heard; sharing a screen is for the teacher, and those whom they let.
SEEN = ("camera", "microphone")
SHARING = (*SEEN, "screen_share", "screen_share_audio")
LONGEST_ID = 100
REMOVED = "PARTICIPANT_REMOVED"
SIGNED_FOR = timedelta(minutes=5)
# As long as this after it left a process waiting, that process doesn't ask it again: a class that
# comes in together would hold all processes up, and every page with them.
SILENT_SECONDS = 5

_silence = Silence()
_each_time: ContextVar[bool] = ContextVar("livekit_is_asked_each_time", default=False)


class VideoUnreachable(Exception):
    """LiveKit gives no useful answer."""


class VideoRefused(VideoUnreachable):
    """LiveKit answers with a refusal; it may well answer the next question."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A person's connection to a room; LiveKit gives each its own id (`sid`).

    In a poll it is `active` once sound and picture can pass. In an event that means nothing:
    `participant_left` comes with one that was. One that ended has LiveKit's `reason`. It receives
    nothing until it is `let_in`; where LiveKit does not say, it has been.
    """

    identity: str
    sid: str
    joined_at: datetime | None
    active: bool = field(default=True, compare=False)
    let_in: bool = field(default=True, compare=False)
    reason: str = field(default="", compare=False)

    @property
    def removed(self) -> bool:
        """Whether it did not end by itself."""
        return self.reason == REMOVED


@dataclass(frozen=True, kw_only=True)
class RoomEvent:
    """What LiveKit says happened in a room, and when; `connection` if it is about a person.

    It may not have been able to deliver as many as `num_dropped` events before this one.
    """

    id: str
    kind: str
    room_name: str
    room_sid: str
    occurred_at: datetime | None
    connection: Connection | None = None
    num_dropped: int = 0


@dataclass(frozen=True)
class Join:
    """What a browser needs to enter a room."""

    url: str
    token: str


def sources_of(may_share: bool) -> Sequence[str]:
    """What somebody may publish in a room."""
    return SHARING if may_share else SEEN


def is_configured() -> bool:
    """Whether there is a LiveKit server to talk to."""
    return bool(settings.LIVEKIT_URL)


def addresses() -> list[str]:
    """LiveKit's own, as its client uses them in a browser: by WebSocket and by HTTP."""
    found = urlsplit(settings.LIVEKIT_URL)
    secure = "s" if found.scheme in ("wss", "https") else ""
    return [f"{scheme}{secure}://{found.netloc}" for scheme in ("ws", "http")]


def pass_into(room: str, user: User, sources: Sequence[str], *, lives: timedelta) -> Join:
    """A pass that lets the user through a room's door for this long, to publish these sources.

    Until they are `let_in` they see and hear nobody there: those who lost the right to be in the
    room come back with it in vain. Nobody's pass runs the room: any page that a browser shows could
    use it for that. People who are in the room stay when the pass expires.
    """
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        can_subscribe=False,
        can_publish_sources=[*sources],
        can_update_own_metadata=False,
    )
    token = _new_token().with_identity(str(user.pk)).with_name(user.display_name)
    return Join(settings.LIVEKIT_URL, token.with_grants(grants).with_ttl(lives).to_jwt())


def receive(body: bytes, authorization: str) -> RoomEvent:
    """The event in a webhook's raw body, whose hash LiveKit's token signs.

    Raises `InvalidSignature` for anything not signed with our key or too old, `MalformedEvent` for
    a signed body that isn't an event, `VideoNotConfigured`.
    """
    if not is_configured():
        raise VideoNotConfigured
    verifier = api.TokenVerifier(settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)
    try:
        event = api.WebhookReceiver(verifier).receive(body.decode(), authorization)
    except ParseError as error:
        raise MalformedEvent from error
    except Exception as error:  # the library itself raises that class
        raise InvalidSignature from error
    if (
        not 0 < len(event.id) <= LONGEST_ID
        or max(len(event.event), len(event.room.sid)) > LONGEST_ID
    ):
        raise MalformedEvent
    return _from_wire(event)


def read(body: str) -> RoomEvent:
    """The event in a body that `receive` has seen."""
    return _from_wire(Parse(body, WebhookEvent(), ignore_unknown_fields=True))


def without_secrets(body: str) -> str:
    """The body of an event without the password of the room's relay."""
    said = json.loads(body)
    if isinstance(said.get("room"), dict):
        said["room"].pop("turnPassword", None)
    return json.dumps(said, separators=(",", ":"))


def write(event: RoomEvent) -> str:
    """The body that LiveKit sends for an event."""
    wire = WebhookEvent(event=event.kind, id=event.id)
    wire.room.name, wire.room.sid = event.room_name, event.room_sid
    if event.occurred_at:
        wire.created_at = int(event.occurred_at.timestamp())
    if somebody := event.connection:
        wire.participant.identity, wire.participant.sid = somebody.identity, somebody.sid
        wire.participant.state = ParticipantInfo.State.ACTIVE
        if somebody.joined_at:
            wire.participant.joined_at = int(somebody.joined_at.timestamp())
            wire.participant.joined_at_ms = int(somebody.joined_at.timestamp() * 1000)
    return MessageToJson(wire, indent=None)


def sign(body: str) -> str:
    """The `Authorization` that LiveKit sends with a body. Raises `VideoNotConfigured`."""
    if not is_configured():
        raise VideoNotConfigured
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    return _new_token().with_sha256(digest).with_ttl(SIGNED_FOR).to_jwt()


def open_rooms() -> dict[str, str]:
    """The id of each open room by name, including rooms that aren't ours.

    Asks LiveKit, as do all functions below. Raises `VideoNotConfigured`, and `VideoUnreachable` if
    there is no answer within `LIVEKIT_TIMEOUT_SECONDS`; at once, a while after there was none.
    This one asks each time.
    """

    async def ask(service: RoomService) -> dict[str, str]:
        found = await service.list_rooms(api.ListRoomsRequest())
        return {room.name: room.sid for room in found.rooms}

    with asked_each_time():
        return _ask(ask)


@contextmanager
def asked_each_time() -> Iterator[None]:
    """LiveKit is asked inside even if it was silent a moment ago: nobody waits for this."""
    token = _each_time.set(True)
    try:
        yield
    finally:
        _each_time.reset(token)


def people_in(room: str, *, within: float | None = None) -> list[Connection]:
    """Who is connected to a room now; nobody if it isn't open.

    `within` this many seconds, if not the default, as for all below.
    """

    async def ask(service: RoomService) -> list[Connection]:
        found = await service.list_participants(api.ListParticipantsRequest(room=room))
        return [_connection(somebody) for somebody in found.participants]

    return _ask(ask, within)


def put_out(room: str, identities: Collection[str], *, within: float | None = None) -> None:
    """End the connections of these people to a room. A repeat changes nothing."""

    async def ask(service: RoomService) -> None:
        for identity in identities:
            somebody = api.RoomParticipantIdentity(room=room, identity=identity)
            await _unless_gone(service.remove_participant(somebody))

    _ask(ask, within)


def make_room(room: str, *, empty_for: timedelta) -> None:
    """Make a room, which stays open this long without anybody in it. A repeat changes nothing."""
    seconds = max(int(empty_for.total_seconds()), 1)
    wanted = api.CreateRoomRequest(name=room, empty_timeout=seconds, departure_timeout=seconds)

    async def ask(service: RoomService) -> None:
        await service.create_room(wanted)

    _ask(ask)


def mute(room: str, identity: str) -> None:
    """Mute a person's microphone, which they can turn on again. A repeat changes nothing."""
    wanted = api.RoomParticipantIdentity(room=room, identity=identity)

    async def ask(service: RoomService) -> None:
        somebody = await service.get_participant(wanted)
        for track in somebody.tracks:
            if track.source == TrackSource.MICROPHONE and not track.muted:
                await service.mute_published_track(
                    api.MuteRoomTrackRequest(
                        room=room, identity=identity, track_sid=track.sid, muted=True
                    )
                )

    _ask(_if_there(ask))


def let_in(room: str, people: Mapping[str, Sequence[str]], *, within: float | None = None) -> None:
    """Let these people who are in a room see and hear the others, and publish their sources alone.

    By their identities; who is gone is passed over. A repeat changes nothing.
    """

    async def ask(service: RoomService) -> None:
        for identity, sources in people.items():
            allowed = ParticipantPermission(
                can_subscribe=True,
                can_publish=True,
                can_publish_data=True,
                can_publish_sources=[source.upper() for source in sources],
            )
            wanted = api.UpdateParticipantRequest(room=room, identity=identity, permission=allowed)
            await _unless_gone(service.update_participant(wanted))

    _ask(ask, within)


def close_room(room: str, *, within: float | None = None) -> None:
    """End a room, and every connection to it. A repeat changes nothing."""

    async def ask(service: RoomService) -> None:
        await _unless_gone(service.delete_room(api.DeleteRoomRequest(room=room)))

    _ask(ask, within)


def _ask(question: Callable[[RoomService], Awaitable[T]], within: float | None = None) -> T:
    """Send a request to LiveKit's room service.

    It runs in its own loop, which waits for nothing once the time is up: the library's timeouts
    don't end a connection to a server that hangs, or a name lookup.
    """
    if not is_configured():
        raise VideoNotConfigured
    if _silence.lasts(settings.LIVEKIT_URL) and not _each_time.get():
        raise VideoUnreachable("it left somebody waiting a moment ago")
    limit = settings.LIVEKIT_TIMEOUT_SECONDS if within is None else within
    loop = asyncio.new_event_loop()
    try:
        answer = loop.run_until_complete(_answered(question, limit))
    except api.ServerError as error:
        # Not its words, here or in a log: they may quote the token that we sent, whole.
        raise VideoRefused(f"refused: {error.code} ({error.status})") from None
    except (aiohttp.ClientError, TimeoutError) as error:
        if isinstance(error, TimeoutError) and limit > settings.LIVEKIT_TIMEOUT_SECONDS / 2:
            _silence.begin(settings.LIVEKIT_URL, SILENT_SECONDS)
        raise VideoUnreachable(str(error) or f"no answer within {limit:.1f} s") from error
    finally:
        loop.close()
    _silence.end(settings.LIVEKIT_URL)
    return answer


async def _answered(question: Callable[[RoomService], Awaitable[T]], limit: float) -> T:
    credentials = (settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)
    async with asyncio.timeout(limit), api.LiveKitAPI(*credentials, failover=False) as client:
        return await question(client.room)


def _if_there(
    question: Callable[[RoomService], Awaitable[None]],
) -> Callable[[RoomService], Awaitable[None]]:
    """Nothing happens where the room, or the person in it, is gone."""
    return lambda service: _unless_gone(question(service))


async def _unless_gone(change: Awaitable[object]) -> None:
    try:
        await change
    except api.ServerError as error:
        if error.code != api.ServerErrorCode.NOT_FOUND:
            raise


def _new_token() -> api.AccessToken:
    return api.AccessToken(settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)


def _from_wire(event: WebhookEvent) -> RoomEvent:
    return RoomEvent(
        id=event.id,
        kind=event.event,
        room_name=event.room.name,
        room_sid=event.room.sid,
        occurred_at=_moment(event.created_at),
        connection=_connection(event.participant) if event.HasField("participant") else None,
        num_dropped=max(event.num_dropped, 0),
    )


def _connection(somebody: ParticipantInfo) -> Connection:
    joined_at = _moment(somebody.joined_at)
    return Connection(
        identity=somebody.identity,
        sid=somebody.sid,
        joined_at=joined_at,
        active=somebody.state == ParticipantInfo.State.ACTIVE,
        let_in=not somebody.HasField("permission") or somebody.permission.can_subscribe,
        reason=_reason(somebody.disconnect_reason),
    )


def _reason(number: int) -> str:
    """Its name; none where LiveKit gives none, or one that our library does not know."""
    known = number and number in DisconnectReason.values()
    return DisconnectReason.Name(DisconnectReason.ValueType(number)) if known else ""


def _moment(seconds: int) -> datetime | None:
    """None if it is missing, or out of range of the calendar.

    In whole seconds, as LiveKit gives the end of a connection, so both ends are rounded the same
    way.
    """
    if seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
