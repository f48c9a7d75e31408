from django.apps import AppConfig
from django.core import checks


class TalkplatformConfig(AppConfig):
    name = "talkplatform"

    def ready(self) -> None:
        from talkplatform.checks import (
            refuse_missing_constraints,
            refuse_other_characters,
            refuse_other_money,
        )

        checks.register(refuse_missing_constraints, checks.Tags.models)
        checks.register(refuse_other_characters, checks.Tags.database)
        checks.register(refuse_other_money, checks.Tags.database)
