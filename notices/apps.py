from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class NoticesConfig(AppConfig):
    name = "notices"

    def ready(self) -> None:
        # What each app tells people; importing the module registers its kinds.
        autodiscover_modules("messages")
