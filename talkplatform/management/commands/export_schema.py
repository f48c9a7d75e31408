"""Write `openapi.json`: the contract with the clients of the API."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common.shapes import Json
from talkplatform import contract


class Command(BaseCommand):
    help = (
        "Write the description of the API to openapi.json. Refuses what would break the clients of "
        "the one that is there, unless the first number of the API's version went up."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "openapi.json"
        schema = contract.described()
        if path.exists():
            self._refuse_breaks(json.loads(path.read_text()), schema)
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
        self.stdout.write(f"{len(schema['paths'])} paths, version {schema['info']['version']}.")

    def _refuse_breaks(self, old: Json, new: Json) -> None:
        lines = contract.breaks(old, new)
        if lines and contract.major(new) == contract.major(old):
            raise CommandError("\n".join(("This would break clients:", *lines)))
