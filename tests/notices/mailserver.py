"""A mail server in a process of its own: it fails as it is told, and writes down what it took.

    python -m tests.notices.mailserver FOLDER [ssl|tls CERTIFICATE]

It writes its port, as `port`, into the folder; what to do wrong it reads from `faults.json` there,
before each command; what it took is a line each of `taken.jsonl`. A fault is `stall`, `drop`,
`drip`, `slow`, or an answer such as `450 not now`; or pairs of how likely it is, and such a fault.
Its key is a command (`CONNECT`, `EHLO`, `AUTH`, `MAIL`, `RCPT`, `DATA`, and `END` for what follows
the mail), or that with an address or a domain: `RCPT dead.example`. `lose` at the END takes the
mail and drops the line. It ends with whoever started it.
"""

import asyncio
import json
import os
import random
import ssl
import sys
from email import message_from_bytes
from functools import cache
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    async def handle_DATA(self, server, session, envelope):
        answer = await server.fault("END", envelope.rcpt_tos[0])
        if answer in (None, "lose"):
            server.take(envelope, lost=bool(answer))
        if answer == "lose":
            server.transport.abort()
        return answer or "250 taken"


class Server(SMTP):
    def __init__(self, folder, **options):
        super().__init__(Handler(), hostname="mail.example.org", **options)
        self.folder = folder

    async def _handle_client(self):
        if await self.answered("CONNECT"):
            self.transport.close()
        else:
            await super()._handle_client()

    async def smtp_EHLO(self, hostname):
        if not await self.answered("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_HELO(self, hostname):
        if not await self.answered("EHLO"):
            await super().smtp_HELO(hostname)

    async def smtp_AUTH(self, arg):
        if not await self.answered("AUTH"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg):
        if not await self.answered("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg):
        if not await self.answered("RCPT", arg.partition(":")[2].strip("<> ")):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg):
        if not await self.answered("DATA", (self.envelope.rcpt_tos or [""])[0]):
            await super().smtp_DATA(arg)

    async def answered(self, command, address=""):
        answer = await self.fault(command, address)
        if answer:
            await self.push(answer)
        return answer

    async def fault(self, command, address=""):
        """What to answer, if that is no answer of a server that works."""
        faults = json.loads((self.folder / "faults.json").read_text())
        domain = address.rpartition("@")[2]
        named = (faults.get(f"{command} {name}".strip()) for name in (address, domain, ""))
        fault = choose(next(filter(None, named), None), faults.get("seed"))
        if fault == "stall":
            await asyncio.sleep(3600)
        if fault == "drop":
            self.transport.abort()
            return "421 gone"
        if fault == "slow":
            await asyncio.sleep(0.05)
            return None
        while fault == "drip":
            await self.push("250-and")
            await asyncio.sleep(0.05)
        return fault

    def take(self, envelope, *, lost):
        message = message_from_bytes(envelope.content)
        line = {
            "to": envelope.rcpt_tos,
            "sender": envelope.mail_from,
            "id": message["Message-ID"],
            "lost": lost,
            "mail": envelope.content.decode(),
        }
        with (self.folder / "taken.jsonl").open("a") as taken:
            taken.write(json.dumps(line) + "\n")


@cache
def dice(seed):
    return random.Random(seed)


def choose(fault, seed):
    if not isinstance(fault, list):
        return fault
    thrown = dice(seed).random()
    for likely, what in fault:
        if thrown < likely:
            return what
        thrown -= likely
    return None


async def serve(folder, security="", certificate=None):
    context = None
    if security:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)

    def server():
        return Server(
            folder,
            auth_require_tls=False,
            authenticator=lambda *_: AuthResult(success=True),
            tls_context=context if security == "tls" else None,
        )

    listening = await asyncio.get_running_loop().create_server(
        server, "127.0.0.1", 0, ssl=context if security == "ssl" else None
    )
    port = listening.sockets[0].getsockname()[1]
    (folder / "port.new").write_text(str(port))
    (folder / "port.new").rename(folder / "port")
    tests = os.getppid()
    while os.getppid() == tests:
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), *sys.argv[2:]))
