"""FileBatch: a picklable callable from batches of files to batches of results."""

import json
import logging
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Self

from dicface.batches.report_lines import PhotoOutcome
from dicface.batches.tables import Table, column, column_names, with_columns
from dicface.errors import DicfaceError, ImageError
from dicface.images.inputs import target_below
from dicface.images.photo import suffix_for
from dicface.restoration.file_result import FileResult
from dicface.restoration.memory import PhotoGate
from dicface.restoration.output import Output

_log = logging.getLogger(__name__)


class BatchItem(NamedTuple):
    """Result of one photo of a batch.

    Attributes:
        outcome: done or failed.
        content: the file of the result; empty if it failed.
        output: path of the result: the input's, with the suffix of the format that was written.
        map: the PNG file of the expected errors; empty if it was not asked for.
        error: why it failed; else empty.
        row: its row of a report, see `FileResult.report_row`; empty if it failed.
    """

    outcome: PhotoOutcome
    content: bytes
    output: str
    map: bytes
    error: str
    row: dict[str, Any]


class FileBatch(ABC):
    """A picklable callable from batches of files to batches of results; see `RestoreBatch`.

    It holds only its arguments until the first photo, for which its process loads the models.
    """

    def __init__(self, output: Output, *, uncertainty: bool) -> None:
        self._output, self._uncertainty = output, uncertainty
        self._start()

    def _start(self) -> None:
        self._session: Any = None
        self._opening, self._gate = threading.Lock(), PhotoGate()

    @abstractmethod
    def _open(self) -> Any:
        """Load the models."""

    @abstractmethod
    def _run(self, session: Any, source: Path, target: Path, output: Output) -> FileResult:
        """Restore or upscale one file into another."""

    @abstractmethod
    def _digest(self, session: Any) -> str:
        """Digest of the settings."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_session", "_opening", "_gate")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._start()

    @property
    def session(self) -> Any:
        """The loaded models; loads them if need be.

        Raises:
            DicfaceError: there is no such model, see `Restorer` and `FaceModel`.
        """
        with self._opening:
            if self._session is None:
                self._session = self._open()
            return self._session

    def opened(self) -> Self:
        """This object, with its models loaded."""
        _ = self.session
        return self

    @property
    def has_maps(self) -> bool:
        """Whether a map of the expected errors belongs to each result."""
        return self._uncertainty

    @property
    def settings_sha256(self) -> str:
        """Digest of the settings, which each result states; loads the models if need be."""
        return self._digest(self.session)

    def __call__(self, batch: Table) -> Table:
        """Do a batch of photos.

        Args:
            batch: a dict of lists or of NumPy arrays, a pandas data frame, or an Arrow table or record batch, with the
                columns `bytes` (a file each) and `path` (its name, whose suffix decides the format of the
                result). Without `path`, the format is that of the file.

        Returns:
            The same kind of batch, with all its columns and: `bytes`, the file of the result; `faces`, the faces as
            JSON, see `FileResult.report_row`; `outcome`, done or failed; `error`; `output`, the path with the suffix of
            the result; and `uncertainty`, a PNG file, if it was asked for. What does not apply is empty, never null.

        Raises:
            DicfaceError: the models cannot be loaded, or the batch lacks a column. A photo never raises: its row says
                what is wrong with it.
        """
        contents = column(batch, "bytes")
        paths = column(batch, "path") if "path" in column_names(batch) else [""] * len(contents)
        items = [self.run_one(content, path) for content, path in zip(contents, paths, strict=True)]
        columns: dict[str, Sequence[Any]] = {
            "bytes": [item.content for item in items],
            "faces": [json.dumps(item.row.get("faces", [])) for item in items],
            "outcome": [item.outcome for item in items],
            "error": [item.error for item in items],
            "output": [item.output for item in items],
        }
        if self._uncertainty:
            columns["uncertainty"] = [item.map for item in items]
        return with_columns(batch, columns)

    def run_one(self, content: Any, path: Any) -> BatchItem:
        """Do one photo, whose failure is a result.

        Args:
            content: the bytes of its file.
            path: its name.
        """
        session = self.session
        name = "" if path is None else str(path)
        try:
            if not isinstance(content, bytes | bytearray | memoryview):
                raise ImageError(f"expected the bytes of a file, got {type(content).__name__}")
            with tempfile.TemporaryDirectory(prefix="dicface-") as folder:
                return self._run_in(Path(folder), session, bytes(content), name)
        except (DicfaceError, OSError) as error:
            return BatchItem("failed", b"", "", b"", str(error), {})
        except MemoryError:
            return BatchItem("failed", b"", "", b"", "not enough memory; use a smaller `scale` or shrink the photo", {})
        except Exception as error:  # a batch of thousands goes on
            _log.exception("%s", name)
            return BatchItem("failed", b"", "", b"", f"{type(error).__name__}: {error}", {})

    def _run_in(self, folder: Path, session: Any, content: bytes, name: str) -> BatchItem:
        suffix = PurePosixPath(name).suffix
        source = folder / f"source{suffix if suffix[1:].isalnum() and len(suffix) < 10 else ''}"
        source.write_bytes(content)
        target = target_below(folder, Path(f"result{suffix or suffix_for(source)}"))
        shown = str(PurePosixPath(name or source.name).with_suffix(target.suffix))
        map_file = folder / "map.png" if self._uncertainty else None
        result = self._run(session, source, target, replace(self._output, uncertainty=map_file))
        row = result.report_row() | {"input": name, "output": shown}
        map_content = b"" if map_file is None else map_file.read_bytes()
        return BatchItem("done", target.read_bytes(), shown, map_content, "", row)
