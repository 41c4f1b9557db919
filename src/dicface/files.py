"""Files: atomic writing, checks of targets, digests."""

import codecs
import hashlib
import json
import os
import secrets
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dicface.errors import InputError, OutputError


@contextmanager
def written_whole(path: Path) -> Generator[Path]:
    """Write a file under a temporary name and move it to `path` if the block ends without an error.

    Args:
        path: final path of the file; its folder is created if missing.

    Yields:
        The temporary path, with the same suffix, by which libraries choose a format.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full.
    """
    part = path.with_name(f".part-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise OutputError(f"could not write {str(path)!r}: {error.strerror or error}; choose another output") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def check_folder(path: Path) -> None:
    """Check before any work that the folder of a file can be written; it is made if missing.

    Args:
        path: the file, which is not touched.

    Raises:
        OutputError: the folder cannot be made or written.
    """
    part = path.with_name(f".part-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        raise OutputError(f"could not write {str(path)!r}: {error.strerror or error}; choose another output") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def check_target(
    path: Path, *, overwrite: bool = False, inputs: Collection[Path] = (), another: str = "another output"
) -> None:
    """Check before any work that a file may be written.

    Args:
        path: the file.
        overwrite: it may be replaced if it exists.
        inputs: files that are read, by their real paths; none of them is ever replaced.
        another: what the user may choose instead.

    Raises:
        OutputError: it is a folder or an input, it exists, or its folder may not be looked into.
    """
    if real_path(path) in inputs:
        raise OutputError(f"the result would replace an input; choose {another}")
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except PermissionError as error:
        raise OutputError(f"could not write {str(path)!r}: {error.strerror}; choose {another}") from error
    if is_folder:
        raise OutputError(f"expected a file name to write to, {str(path)!r} is a folder")
    if exists and not overwrite:
        raise OutputError(f"{str(path)!r} exists; add `overwrite` to replace it, or choose {another}")


def check_readable(path: Path) -> None:
    """Check that a file may be read, where what reads it would not say that it may not.

    Raises:
        InputError: it is there, and may not be read.
    """
    if os.path.exists(path) and not os.access(path, os.R_OK):  # noqa: PTH110 - Path.exists raises in closed folders
        raise InputError(f"{str(path)!r} may not be read; check its permissions")


def real_path(path: Path) -> Path:
    """Path with all links resolved. Circular links resolve to themselves, where `Path.resolve` fails."""
    return Path(os.path.realpath(path))


def read_text(path: Path) -> str:
    """Text of a file in UTF-8, in UTF-16 with a byte order mark, or else in Latin-1, as editors write it.

    Raises:
        OSError: it cannot be read.
        ValueError: UTF-16 that is damaged.
    """
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def file_digest(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write JSON, complete or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with written_whole(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
