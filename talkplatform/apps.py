from django.apps import AppConfig
from django.core import checks


class TalkplatformConfig(AppConfig):
    name = "talkplatform"

    def ready(self) -> None:
        from talkplatform.checks import refuse_missing_constraints

        checks.register(refuse_missing_constraints, checks.Tags.models)
