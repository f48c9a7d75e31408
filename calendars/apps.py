from django.apps import AppConfig


class CalendarsConfig(AppConfig):
    name = "calendars"

    def ready(self) -> None:
        from accounts.signals import handed_over
        from calendars import services

        handed_over.connect(services.hand_over_feed, dispatch_uid="hand_over_feed")
