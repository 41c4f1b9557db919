"""A stand-in for `RestoreBatch` in processes of engines: it copies files, slowly if asked to, and loads nothing."""

import os
import time
from pathlib import Path
from typing import Any

from dicface.batches.file_batch import BatchItem, FileBatch
from dicface.restoration.file_result import FileResult
from dicface.restoration.output import Output


class CopyBatch(FileBatch):
    """Gives back what it gets, and writes down that it did.

    Args:
        log: folder to which a file NAME-PROCESS-TIME is added for each photo that was done.
        pause_s: time that a photo takes.
        maps: a map belongs to each result.
    """

    def __init__(self, log: Path, *, pause_s: float = 0, maps: bool = False) -> None:
        super().__init__(Output(), uncertainty=maps)
        self._log, self._pause_s = log, pause_s

    def _open(self) -> str:
        return "opened"

    def _run(self, session: Any, source: Path, target: Path, output: Output) -> FileResult:
        raise NotImplementedError

    def _digest(self, session: Any) -> str:
        return "0" * 64

    def run_one(self, content: Any, path: Any) -> BatchItem:
        """A photo that says `broken` fails, and one that says `deadly` ends the process."""
        assert self.session == "opened"
        time.sleep(self._pause_s)
        if content == b"deadly":
            os._exit(1)
        if content == b"broken":
            return BatchItem("failed", b"", "", b"", "the image is damaged or cut off", {})
        (self._log / f"{str(path).replace('/', '_')}-{os.getpid()}-{time.time_ns()}").touch()
        return BatchItem("done", content, path, b"map" * self.has_maps, "", {"faces": []})
