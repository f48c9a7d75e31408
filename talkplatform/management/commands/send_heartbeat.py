"""Tell a monitor that the jobs are done in time: it complains when it hears nothing."""

import asyncio
from typing import Any

import aiohttp
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

# For all of it, however slowly the monitor answers: a timeout of each read would not end that.
SECONDS = 10


class Command(BaseCommand):
    help = "Fetches HEARTBEAT_URL; the runner of the jobs does so after each full round."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.HEARTBEAT_URL:
            raise CommandError("Set HEARTBEAT_URL.")
        # Its own loop waits for nothing once the time is up, not even for a name lookup.
        loop = asyncio.new_event_loop()
        try:
            status = loop.run_until_complete(fetch(settings.HEARTBEAT_URL))
        except (aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or f"no answer within {SECONDS} s"
            raise CommandError(f"The monitor did not take it: {why}") from error
        finally:
            loop.close()
        self.stdout.write(f"The monitor answered {status}.")


async def fetch(address: str) -> int:
    """The status of the answer. Raises `aiohttp.ClientError` for a refusal, and `TimeoutError`."""
    async with (
        asyncio.timeout(SECONDS),
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(address) as answer,
    ):
        await answer.read()
        return answer.status
