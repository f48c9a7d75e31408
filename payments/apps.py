from django.apps import AppConfig
from django.db.models.signals import post_migrate, post_save


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from accounts.models import User
        from payments import opening

        post_save.connect(
            opening.open_user_accounts, sender=User, dispatch_uid="open_user_accounts"
        )
        post_migrate.connect(
            opening.open_system_accounts, sender=self, dispatch_uid="open_system_accounts"
        )
