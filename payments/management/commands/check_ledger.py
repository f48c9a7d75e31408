"""Prove on the running database that no cent was made or lost."""

import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from accounts.staff_requests import keep_result
from common.errors import Unavailable
from common.shapes import Json
from payments import audit
from payments.audit import SHOWN, Finding, Offender


class Command(BaseCommand):
    help = (
        "Checks every invariant of the ledger on one snapshot; exits with 1 where one fails. The "
        "page of the money audit shows what it found."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = audit.run()
        found = audit.as_json(findings)
        self._keep(found)
        if options["json"]:
            self.stdout.write(json.dumps(found["findings"], indent=2))
        else:
            for finding in findings:
                self._print(finding)
        if broken := [finding.code for finding in findings if not finding.ok]:
            raise CommandError(f"The books are wrong: {', '.join(broken)}.")

    def _keep(self, found: Json) -> None:
        """For the page of the audit; a database that only reads is checked as well."""
        try:
            keep_result(audit.NAME, found)
        except (DatabaseError, Unavailable) as error:
            self.stderr.write(f"The result was not kept: {error}")

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
