"""Files at addresses: object storage and other file systems of pyarrow and fsspec."""

import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import quote

from dicface.batches import drivers
from dicface.errors import InputError, OutputError, UsageError
from dicface.files import real_path, written_whole

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://.")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")
_SIGNATURES = re.compile(r"(?i)([?&][\w.%-]*(?:sig|signature|token|key|keyid|secret|password|credential)=)[^&\s'\"]+")
_FOLDED = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)")
PART = ".part-"
"""Prefix of the names of unfinished files; hidden, so that they are not taken for inputs."""
_OBJECT_STORES = re.compile(r"s3|gcs|abfs|py::fsspec\+.*\b(s3a?|gs|gcs|abfss?|az|oss)\b.*")
"""pyarrow's names of file systems that show a file once it is closed."""


def as_place(path: Path) -> str:
    """A path or an address as text. A `Path` folds the slashes of an address, which are put back."""
    text = path.as_posix()
    folded = _FOLDED.fullmatch(text)
    if folded is None or path.exists():
        return text
    below, asked, settings = folded[2].partition("?")
    settings = re.sub(r"(?<==)([a-z][a-z0-9+.-]+):/(?!/)", r"\1://", settings)  # such as endpoint_override=http://host
    return f"{folded[1]}://{'/' if folded[1] == 'file' else ''}{below}{asked}{settings}"


def _parts(place: str) -> tuple[str, str]:
    """An address and its settings such as ?region=x. Another question mark is of a name, as are all in a file's."""
    address, _, settings = place.partition("?")
    return (address, settings) if "=" in settings and not place.startswith("file:") else (place, "")


def _quoted(place: str) -> str:
    """An address as pyarrow reads it: with escapes for what a URI does not hold, such as spaces and `#`."""
    address, settings = _parts(place)
    address = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", quote(address, safe="%/:@!$&'()*+,;="))
    return f"{address}?{settings}" if settings else address


def without_credentials(text: str) -> str:
    """A text, such as the error of a storage driver, without users, passwords and signatures of addresses in it."""
    return _SIGNATURES.sub(r"\1...", _CREDENTIALS.sub("", text))


def is_address(place: str) -> bool:
    """Whether a text names a place by its scheme, such as s3://bucket/photos."""
    return _ADDRESS.match(place) is not None


@lru_cache(maxsize=64)
def _open(place: str) -> tuple[Any, str]:
    """The file system of a place, of pyarrow's kind, and the path in it.

    Raises:
        UsageError: an address of an unknown kind or of a bucket that cannot be reached, or pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise UsageError("addresses need the cloud extra; pip install 'dicface[cloud]'")
    from pyarrow import fs

    if not is_address(place):
        return fs.LocalFileSystem(), str(Path(place).absolute())
    try:
        return fs.FileSystem.from_uri(_quoted(place))
    except (ValueError, OSError) as error:
        return _open_with_fsspec(place, error)


def _open_with_fsspec(place: str, refused: Exception) -> tuple[Any, str]:
    """The file system of an address that pyarrow refused, and the path in it.

    Raises:
        UsageError: fsspec refuses it, too. The error is pyarrow's, if it knows that kind of address.
    """
    unknown = "Unrecognized filesystem" in str(refused)
    try:
        import fsspec
        from fsspec.implementations.local import LocalFileSystem
        from pyarrow import fs

        known, path = fsspec.url_to_fs(place)
        if isinstance(known, LocalFileSystem):
            return fs.LocalFileSystem(), path
    except (ValueError, ImportError) as error:
        told = f"expected an address of a known kind, got {place!r}: {error}" if unknown else f"{place!r}: {refused}"
        raise UsageError(without_credentials(told)) from error
    return fs.PyFileSystem(fs.FSSpecHandler(known)), path


@dataclass(frozen=True)
class Store:
    """Files below a place. Consists of its address, so that it can be sent to other processes.

    Attributes:
        place: an address, or a path of this machine.
    """

    place: str

    def path(self, name: str) -> str:
        """Path of a file in the file system."""
        base = _open(self.place)[1].rstrip("/")
        return f"{base}/{name}" if name else base

    def shown(self, name: str) -> str:
        """Address of a file without credentials and settings, for people and reports."""
        root = without_credentials(_parts(self.place)[0]).rstrip("/")
        return f"{root}/{name}" if name else root

    @property
    def is_here(self) -> bool:
        """Whether the place is in a file system of this machine."""
        from pyarrow import fs

        return isinstance(_open(self.place)[0], fs.LocalFileSystem)

    def real_path(self, name: str) -> str:
        """The path of a file by which it is compared: without links and `..` in a file system of this machine."""
        path = self.path(name)
        return real_path(Path(path)).as_posix() if self.is_here else path

    def shares_files_with(self, other: "Store") -> bool:
        """Whether paths of both are of one file system."""
        return _open(self.place)[0].equals(_open(other.place)[0])

    def is_at(self, name: str, other: "Store", other_name: str) -> bool:
        """Whether a file of this place is one of another place, which may be spelled otherwise."""
        return self.shares_files_with(other) and self.real_path(name) == other.real_path(other_name)

    def folder(self, name: str) -> tuple[list[str], list[str]]:
        """Names of the subfolders and files of a folder, sorted; both empty if there is none.

        Links to folders are left out, which may lead back to where they are.

        Raises:
            OSError: it cannot be read.
        """
        from pyarrow import fs

        system, path = _open(self.place)[0], self.path(name)
        if self.is_here:
            folders, files = _listed_here(path)
        elif driver := drivers.driver_of(system):
            folders, files = drivers.listed(driver, path)
        else:
            # Of GCS, pyarrow shows no folder but those with a marker, which few programs write (apache/arrow#35993).
            whole = system.type_name == "gcs"
            found = system.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=whole))
            folders, files = _children(found, path)
        return sorted(folders), sorted(files)

    def files(self, name: str) -> list[str]:
        """Names of the files of a folder, sorted; see `folder`."""
        from pyarrow import fs

        system = _open(self.place)[0]
        if system.type_name != "gcs":
            return self.folder(name)[1]
        found = system.get_file_info(fs.FileSelector(self.path(name), allow_not_found=True))
        return sorted(each.base_name for each in found if each.type == fs.FileType.File)

    def has(self, name: str) -> bool:
        """Whether there is a file of a name."""
        return _open(self.place)[0].get_file_info(self.path(name)).is_file

    def open(self, name: str) -> IO[bytes]:
        """Open a file to read parts of it."""
        return _open(self.place)[0].open_input_file(self.path(name))

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            InputError: it cannot be read.
        """
        try:
            with _open(self.place)[0].open_input_stream(self.path(name)) as file:
                return file.read()
        except FileNotFoundError as error:
            raise InputError("expected an image file, found nothing of that name") from error
        except (OSError, ValueError) as error:
            raise InputError(f"the file cannot be read: {error}") from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file, complete or not at all: except in object stores, it is moved to its name once it is whole.

        HDFS does not move onto an existing file. There the old one is deleted first; for a moment there is none.

        Raises:
            OutputError: it cannot be written.
        """
        system, path = _open(self.place)[0], self.path(name)
        try:
            if self.is_here:
                with written_whole(Path(path)) as part:
                    part.write_bytes(content)
            elif _OBJECT_STORES.fullmatch(system.type_name):
                if system.type_name not in ("s3", "gcs"):
                    system.create_dir(str(PurePosixPath(path).parent))
                with system.open_output_stream(path) as file:
                    file.write(content)
            else:
                _write_and_move(system, path, content)
        except (OSError, ValueError) as error:
            raise OutputError(without_credentials(f"could not write {self.shown(name)!r}: {error}")) from error

    def check_writable(self) -> None:
        """Write a small hidden file below the place and delete it, so that a batch does not fail at each of its photos.

        Raises:
            OutputError: it cannot be written.
        """
        name = f"{PART}{secrets.token_hex(8)}"
        try:
            self.write(name, b"dicface")
        except Exception as error:  # drivers of storage raise errors of their own
            why = error.__cause__ or error
            raise OutputError(without_credentials(f"cannot write below {self.shown('')!r}: {why}")) from error
        with suppress(Exception):  # who may write may not be allowed to delete
            drivers.delete(_open(self.place)[0], self.path(name))


def _children(found: list[Any], path: str) -> tuple[set[str], set[str]]:
    """Names of the subfolders and files of a folder among all that is below it."""
    from pyarrow import fs

    folders: set[str] = set()
    files: set[str] = set()
    for each in found:
        name, below, _ = each.path.rstrip("/").removeprefix(f"{path}/").partition("/")
        (folders if below or each.type == fs.FileType.Directory else files).add(name)
    return folders, files


def _listed_here(path: str) -> tuple[list[str], list[str]]:
    """Names of the subfolders and files of a folder of this machine.

    Names that are no text keep their bytes as escapes. pyarrow lists no folder with such a name in it.
    """
    folders: list[str] = []
    files: list[str] = []
    with suppress(FileNotFoundError), os.scandir(path) as entries:
        for entry in entries:
            with suppress(OSError):  # a link that leads where access is denied
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file():
                    files.append(entry.name)
    return folders, files


def _write_and_move(system: Any, path: str, content: bytes) -> None:
    """Write a file beside its place under a hidden name, and move it there."""
    folder = PurePosixPath(path).parent
    part = str(folder / f"{PART}{secrets.token_hex(8)}")
    system.create_dir(str(folder))
    try:
        with system.open_output_stream(part) as file:
            file.write(content)
        try:
            drivers.move(system, part, path)
        except Exception:  # drivers of storage raise errors of their own
            if not system.get_file_info(path).is_file:
                raise
            drivers.delete(system, path)
            drivers.move(system, part, path)
    except BaseException:
        with suppress(Exception):
            drivers.delete(system, part)
        raise
