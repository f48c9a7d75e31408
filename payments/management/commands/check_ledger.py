"""Prove on the running database that no cent was made or lost."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.shapes import Json
from payments import audit
from payments.audit import Finding, Offender

SHOWN = 20


class Command(BaseCommand):
    help = "Checks every invariant of the ledger on one snapshot; exits with 1 where one fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = audit.run()
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(finding) for finding in findings], indent=2))
        else:
            for finding in findings:
                self._print(finding)
        if broken := [finding.code for finding in findings if not finding.ok]:
            raise CommandError(f"The books are wrong: {', '.join(broken)}.")

    def _print(self, finding: Finding) -> None:
        verdict = self.style.SUCCESS("ok") if finding.ok else self.style.ERROR("FAILED")
        self.stdout.write(f"{finding.code:<4}{verdict}  {finding.promise}")
        self._print_rows(finding.offenders)
        self._print_rows(finding.notices, "notice: ")

    def _print_rows(self, rows: Sequence[Offender], prefix: str = "") -> None:
        for row in rows[:SHOWN]:
            self.stdout.write(f"      {prefix}{row.id}: {row.problem}")
        if (hidden := len(rows) - SHOWN) > 0:
            self.stdout.write(f"      {prefix}and {hidden} more or so")


def _as_json(finding: Finding) -> Json:
    found = asdict(finding) | {"ok": finding.ok}
    return found | {name: found[name][:SHOWN] for name in ("offenders", "notices")}
