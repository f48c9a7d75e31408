"""Where files are kept: uploaded ones, and those that every browser loads."""

import logging
import os
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from tempfile import mkstemp
from types import SimpleNamespace

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

from common.errors import NotStored
from common.transactions import on_undo

logger = logging.getLogger(__name__)


class WholeFiles(FileSystemStorage):
    """Files that exist completely or not at all, and vanish with an operation that is undone.

    Storing one raises `NotStored` if the disk is full.
    """

    def _save(self, name: str, content: File) -> str:
        try:
            kept = self._write(name, content)
        except OSError as error:
            logger.exception("%s could not be stored", name)
            raise NotStored from error
        on_undo(partial(self._take_back, kept))
        return kept

    def _take_back(self, name: str) -> None:
        with suppress(OSError):  # what matters is why the operation was undone
            self.delete(name)

    def _write(self, name: str, content: File) -> str:
        """Written elsewhere, and moved into place with one rename once it is complete."""
        Path(self.location).mkdir(parents=True, exist_ok=True)
        descriptor, draft = mkstemp(dir=self.location)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(content.chunks())
                file.flush()
                os.fsync(descriptor)
            whole = SimpleNamespace(temporary_file_path=lambda: draft)
            return super()._save(name, whole)  # type: ignore[misc] # the stubs leave it out
        finally:
            Path(draft).unlink(missing_ok=True)


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Under names that change with their contents, also where one script imports another."""

    support_js_module_import_aggregation = True

    @cached_property
    def _addresses(self) -> dict[str, str]:
        """Of what pages have named so far: a page names two dozen, and none changes meanwhile."""
        return {}

    def url(self, name: str | None, force: bool = False) -> str:
        known = self._addresses.get(name or "")
        if known is None:
            known = self._addresses[name or ""] = super().url(name, force)
        return known
