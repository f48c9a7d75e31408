"""For what watches over the processes."""

import logging

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from talkplatform.checks import not_utf8mb4
from talkplatform.jobs import late_jobs

logger = logging.getLogger(__name__)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers too, has every migration, keeps every character, takes changes.

    Jobs that are late are named, and keep nobody from being served.
    """
    try:
        problem = _problem()
        late = [] if problem else late_jobs()
    except Error:
        logger.exception("/readyz: no database")
        problem, late = "no database", []
    text = "\n".join([problem or "ready", *(f"late: {name}" for name in late)])
    return HttpResponse(text, status=503 if problem else 200, content_type="text/plain")


def _problem() -> str:
    """What keeps the database from being worked with; empty where nothing does."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return "migrations are missing"
    if columns := not_utf8mb4():
        return f"the database is not utf8mb4: {', '.join(columns)}"
    try:
        executor.recorder.migration_qs.filter(pk=0).update(app="")
    except Error:
        logger.exception("/readyz: the database takes no changes")
        return "the database takes no changes"
    return ""
