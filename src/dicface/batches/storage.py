"""Photos and results at addresses: object storage and other file systems of pyarrow and fsspec."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import IO, Any

from dicface.errors import InputError, OutputError, UsageError
from dicface.files import written_whole
from dicface.images.inputs import ALL_INPUTS, Shard, target_below
from dicface.images.listing import is_hidden, is_image

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://.")
_CREDENTIALS = re.compile(r"(?<=://)[^/@]*@")
_FOLDED = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)")


def as_place(path: Path) -> str:
    """A path or an address as text. A `Path` folds the slashes of an address, which are put back."""
    text = path.as_posix()
    folded = _FOLDED.fullmatch(text)
    if folded is None or path.exists():
        return text
    return f"{folded[1]}://{'/' if folded[1] == 'file' else ''}{folded[2]}"


def is_address(place: str) -> bool:
    """Whether a text names a place by its scheme, such as s3://bucket/photos."""
    return _ADDRESS.match(place) is not None


@lru_cache(maxsize=64)
def _open(place: str) -> tuple[Any, str]:
    """The file system of a place, of pyarrow's kind, and the path in it.

    Raises:
        UsageError: an address of an unknown kind, or pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise UsageError("addresses need the cloud extra; pip install 'dicface[cloud]'")
    from pyarrow import fs

    if not is_address(place):
        return fs.LocalFileSystem(), str(Path(place).absolute())
    try:
        return fs.FileSystem.from_uri(place)
    except (ValueError, OSError) as error:
        if find_spec("fsspec") is None:
            raise UsageError(f"expected an address of a known kind, got {place!r}: {error}") from error
    import fsspec

    try:
        known, path = fsspec.url_to_fs(place)
    except (ValueError, ImportError) as error:
        raise UsageError(f"expected an address of a known kind, got {place!r}: {error}") from error
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
        root = _CREDENTIALS.sub("", self.place.partition("?")[0]).rstrip("/")
        return f"{root}/{name}" if name else root

    def is_at(self, name: str, other: "Store", other_name: str) -> bool:
        """Whether a file of this place is one of another place, which may be spelled otherwise."""
        same = self.path(name) == other.path(other_name)
        return same and _open(self.place)[0].equals(_open(other.place)[0])

    def folder(self, name: str) -> tuple[list[str], list[str]]:
        """Names of the subfolders and files of a folder, sorted; both empty if there is none.

        Raises:
            OSError: it cannot be read.
        """
        from pyarrow import fs

        selector = fs.FileSelector(self.path(name), allow_not_found=True)
        found = _open(self.place)[0].get_file_info(selector)
        folders = sorted(each.base_name for each in found if each.type == fs.FileType.Directory)
        return folders, sorted(each.base_name for each in found if each.type == fs.FileType.File)

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
        """Write a file, complete or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        from pyarrow import fs

        system, path = _open(self.place)[0], self.path(name)
        try:
            if isinstance(system, fs.LocalFileSystem):
                with written_whole(Path(path)) as part:
                    part.write_bytes(content)
            else:
                # Object stores show a file once it is closed.
                if system.type_name != "s3":
                    system.create_dir(str(PurePosixPath(path).parent))
                with system.open_output_stream(path) as file:
                    file.write(content)
        except (OSError, ValueError) as error:
            raise OutputError(f"could not write {self.shown(name)!r}: {error}") from error


@dataclass(frozen=True)
class StoredPhoto:
    """A photo below a place, and its result.

    Attributes:
        root: the place.
        name: path below the place, with slashes; empty if the place is the photo.
        output: path of the result below the output.
        exists: a result is there already.
        problem: why it cannot be restored, if that is known already; else empty.
    """

    root: str
    name: str
    output: str
    exists: bool = False
    problem: str = ""

    @property
    def shown(self) -> str:
        """Its address."""
        return Store(self.root).shown(self.name)


def stored_photos(places: Iterable[str], out: str, *, shard: Shard = ALL_INPUTS) -> Iterator[StoredPhoto]:
    """The photos below places with their results below another, listed folder by folder while they are worked on.

    Hidden names and folders are left out, as are results of an earlier call below an input.

    Args:
        places: addresses or paths, of folders or of photos.
        out: the output folder.
        shard: the part of the photos that is listed.

    Raises:
        UsageError: an address of an unknown kind.
    """
    taken: set[str] = set()
    places = list(dict.fromkeys(places))
    for place in places:
        if len(places) == 1:
            taken = set()
        store = Store(place)
        if store.has(""):
            photos = _with_results(place, "", [PurePosixPath(store.path("")).name], out, shard, taken)
            yield from (replace(photo, name="") for photo in photos)
        else:
            yield from _photos_below(store, out, shard, taken if len(places) > 1 else None)


def _photos_below(store: Store, out: str, shard: Shard, taken: set[str] | None) -> Iterator[StoredPhoto]:
    """Photos of a folder; `taken` are results of other places, None for a single one."""
    waiting, empty = [""], True
    results = Store(out)
    while waiting:
        folder = waiting.pop()
        try:
            folders, files = store.folder(folder)
        except (OSError, ValueError) as error:
            empty = False
            yield StoredPhoto(store.place, folder, "", problem=f"the folder cannot be read: {error}")
            continue
        below = [f"{folder}/{name}" if folder else name for name in folders if not is_hidden(name)]
        waiting += reversed([name for name in below if not store.is_at(name, results, "")])
        images = [name for name in files if is_image(name) and not is_hidden(name)]
        empty = empty and not images
        yield from _with_results(store.place, folder, images, out, shard, set() if taken is None else taken)
    if empty:
        yield StoredPhoto(store.place, "", "", problem="expected a folder with images, found none in it")


def _files(store: Store, folder: str) -> list[str]:
    try:
        return store.folder(folder)[1]
    except (OSError, ValueError) as error:
        raise OutputError(f"the output {store.shown(folder)!r} cannot be listed: {error}") from error


def _lies_in(photo: Store, folder: Store) -> bool:
    """Whether a place that is a photo lies in a folder."""
    parent = Store(photo.place.rpartition("/")[0])
    return bool(parent.place) and folder.is_at("", parent, "")


def _with_results(
    place: str, folder: str, images: list[str], out: str, shard: Shard, taken: set[str]
) -> Iterator[StoredPhoto]:
    there: set[str] | None = None
    results, inputs = Store(out), set(images)
    among_inputs = results.is_at(folder, Store(place), folder) or (not folder and _lies_in(Store(place), results))
    for image in images:
        name = f"{folder}/{image}" if folder else image
        output = target_below(Path(), Path(name)).as_posix()
        if not shard.has(output):
            continue
        if there is None:
            there = set(_files(results, folder))
        problem = f"another input of this call is written to {output!r}; rename one" if output in taken else ""
        if PurePosixPath(output).name in inputs and among_inputs:
            problem = "the result would replace an input; choose another output"
        taken.add(output)
        yield StoredPhoto(place, name, output, PurePosixPath(output).name in there, problem)


def table_photos(place: str, names: Iterable[str], out: str, *, shard: Shard = ALL_INPUTS) -> Iterator[StoredPhoto]:
    """The photos of a table, by their paths in it.

    Args:
        place: address of the table.
        names: paths of the photos, with slashes.
        out: the output folder.
        shard: the part of the photos that is given.

    Raises:
        UsageError: two photos have one result, or a path leads out of the output folder.
    """
    there: dict[str, set[str]] = {}
    taken: set[str] = set()
    for name in names:
        below = PurePosixPath(name)
        if not name or below.is_absolute() or ".." in below.parts:
            raise UsageError(f"expected relative paths in {place!r}, got {name!r}")
        output = target_below(Path(), Path(name)).as_posix()
        if output in taken:
            raise UsageError(f"expected one photo in {place!r} with the result {output!r}, got several")
        taken.add(output)
        if shard.has(output):
            folder = str(PurePosixPath(output).parent).removeprefix(".")
            if folder not in there:
                there[folder] = set(_files(Store(out), folder))
            yield StoredPhoto(place, name, output, PurePosixPath(output).name in there[folder])
