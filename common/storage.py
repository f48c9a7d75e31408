"""Where uploaded files are kept."""

import logging
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import mkstemp
from types import SimpleNamespace

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

from common.errors import NotStored
from common.transactions import on_undo

logger = logging.getLogger(__name__)


class WholeFiles(FileSystemStorage):
    """Files that are there whole or not at all, and gone with the operation that stored them.

    Storing one raises `NotStored` where the disk takes no more of it.
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
        with suppress(OSError):  # why the operation is undone is what counts
            self.delete(name)

    def _write(self, name: str, content: File) -> str:
        """Written elsewhere, and once it is whole put in its place by one rename."""
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
