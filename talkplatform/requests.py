"""What staff may ask a job for, by its name, and how that is carried out."""

import logging
from collections.abc import Callable
from functools import partial
from typing import cast

from django.contrib import admin
from django.db.models import Model
from django.utils import timezone

from accounts.exporting import ExportingAdmin
from accounts.models import StaffRequest
from accounts.staff_requests import give_up, keep_result
from common.errors import Unavailable
from common.passes import in_time
from payments import audit
from payments.models import PaymentHold

logger = logging.getLogger(__name__)


def is_anything_asked() -> bool:
    """Whether something waits to be carried out."""
    return StaffRequest.objects.waiting().exists()


def carry_out(asked: StaffRequest) -> bool:
    """Do what was asked for, in the asker's time zone; gives whether nothing was wrong.

    Of what the pass has no time for, the next one does the rest. What fails isn't tried again,
    except where the database is away, which raises `Unavailable`.
    """
    if not (asked.user and asked.is_allowed):
        give_up(asked)
        return True
    try:
        with timezone.override(asked.user.time_zone):
            DEEDS[asked.what](asked)
    except Unavailable:
        raise
    except Exception:
        logger.exception("%s could not be carried out", asked)
        give_up(asked)
        return False
    return True


def export(model: type[Model], asked: StaffRequest) -> None:
    """Go on with the file of this model's list, as long as there is time."""
    screen = cast(ExportingAdmin, admin.site.get_model_admin(model))
    for _ in in_time(screen.export_pieces(asked)):
        pass


def run_audit(asked: StaffRequest) -> None:
    """Run the audit, and keep what it finds."""
    keep_result(audit.NAME, audit.as_json(audit.run()), asked=asked)


DEEDS: dict[str, Callable[[StaffRequest], None]] = {
    "holds": partial(export, PaymentHold),
    audit.NAME: run_audit,
}
