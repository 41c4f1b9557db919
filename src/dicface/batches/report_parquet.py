"""Reports as Parquet: a folder of parts, to which parts are added while a batch goes on."""

import json
import secrets
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dicface.errors import OutputError, UsageError
from dicface.files import written_whole

PARQUET_SUFFIX = ".parquet"
_ROWS = 1000
_EVERY_S = 30.0


class ParquetReport:
    """A report as a folder of Parquet files with the columns outcome, input, output, error, faces and row.

    faces and row are JSON; row has everything, as in a report of lines. A part is added after 1,000 photos, or 30 s
    after the first of them; a killed batch loses those rows. Several calls may add to one folder.

    Args:
        path: the folder; continued if it exists.
    """

    def __init__(self, path: Path) -> None:
        if find_spec("pyarrow") is None:
            raise UsageError("a report as Parquet needs the cloud extra; pip install 'dicface[cloud]'")
        if path.is_file():
            raise UsageError(f"expected a folder of Parquet files as report, got the file {str(path)!r}")
        self._path, self._rows, self._since_s = path, list[dict[str, Any]](), 0.0

    def append(self, row: dict[str, Any]) -> None:
        """Add a row.

        Raises:
            OutputError: a part cannot be written.
        """
        if not self._rows:
            self._since_s = time.monotonic()
        self._rows.append(row)
        if len(self._rows) >= _ROWS or time.monotonic() - self._since_s > _EVERY_S:
            self._write()

    def _write(self) -> None:
        import pyarrow as arrow
        from pyarrow import parquet

        if not self._rows:
            return
        plain = ("outcome", "input", "output", "error")
        columns = {name: [_text(row.get(name, "")) for row in self._rows] for name in plain}
        columns["faces"] = [json.dumps(row.get("faces", [])) for row in self._rows]
        columns["row"] = [json.dumps(row) for row in self._rows]
        name = f"part-{time.time_ns()}-{secrets.token_hex(4)}{PARQUET_SUFFIX}"
        with written_whole(self._path / name) as part:
            try:
                parquet.write_table(arrow.table(columns), part)
            except arrow.ArrowException as error:
                raise OutputError(f"could not write {name!r}: {error}") from error
        self._rows.clear()

    def __enter__(self) -> Self:
        try:
            self._path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"could not write {str(self._path)!r}: {error.strerror}; choose another folder"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()


def _text(value: object) -> str:
    """A value as text, with bytes of names that are none as escapes."""
    return str(value).encode("utf-8", "backslashreplace").decode()
