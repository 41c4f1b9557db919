"""Photos at addresses with their results, listed while they are worked on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from dicface.batches.storage import Store, is_address
from dicface.errors import UsageError
from dicface.images.inputs import ALL_INPUTS, Shard, is_hidden, is_image, target_below
from dicface.images.listing import linked_files


@dataclass(frozen=True)
class StoredPhoto:
    """A photo below a place, and its result.

    Attributes:
        root: the place.
        name: path below the place, with slashes; empty if the place is the photo.
        output: path of the result below the output.
        exists: a result is there already.
        map_exists: a map of the expected errors is there already.
        problem: why it cannot be restored, if that is known already; else empty.
    """

    root: str
    name: str
    output: str
    exists: bool = False
    map_exists: bool = False
    problem: str = ""

    @property
    def map(self) -> str:
        """Path of the map of the expected errors below the output."""
        return _map_of(self.output)

    @property
    def shown(self) -> str:
        """Its address."""
        return Store(self.root).shown(self.name)


def _map_of(output: str) -> str:
    return f"{PurePosixPath(output).with_suffix('')}.uncertainty.png"


def stored_photos(
    places: Iterable[str], out: str, *, shard: Shard = ALL_INPUTS, maps: bool = False
) -> Iterator[StoredPhoto]:
    """The photos below places with their results below another, listed folder by folder while they are worked on.

    Hidden names and folders are left out, as are results of an earlier call below an input.

    Args:
        places: addresses or paths, of folders or of photos.
        out: the output folder.
        shard: the part of the photos that is listed.
        maps: a map of expected errors is written beside each result.

    Raises:
        UsageError: an address of an unknown kind.
    """
    taken: set[str] = set()
    places = list(dict.fromkeys(places))
    results = _Results(Store(out), [Store(place) for place in places], maps=maps)
    for place in places:
        if len(places) == 1:
            taken = set()
        store = Store(place)
        try:
            is_photo = store.has("")
        except Exception as error:  # drivers of storage raise errors of their own
            yield StoredPhoto(place, "", "", problem=f"the input cannot be reached: {error}")
            continue
        if is_photo:
            photos = _with_results(place, "", [PurePosixPath(store.path("")).name], results, shard, taken)
            yield from (replace(photo, name="") for photo in photos)
        else:
            yield from _photos_below(store, results, shard, taken if len(places) > 1 else None)


class _Results:
    """The results below the output of a call.

    Args:
        store: the output.
        inputs: places of the call's photos.
        maps: a map of expected errors belongs to each result.
    """

    def __init__(self, store: Store, inputs: Sequence[Store], *, maps: bool) -> None:
        self.store, self._maps = store, maps
        self._root = store.real_path("")
        roots = [each.real_path("") for each in inputs if each.shares_files_with(store)]
        # An output in an input folder is left out of it: what is there are results.
        self._roots = [root for root in roots if root == self._root or not _lies_in(self._root, root)]
        self._folders = [Path(each.path("")) for each in inputs if store.is_here and each.is_here]

    def of(self, output: str) -> tuple[str, ...]:
        """Paths of a result and, where maps are written, of its map."""
        return (output, _map_of(output)) if self._maps else (output,)

    def replaces_an_input(self, output: str) -> bool:
        """Whether a result that exists is an input."""
        path = self.store.real_path(output)
        return any(_lies_in(path, root) for root in self._roots) or Path(path) in self._linked

    @cached_property
    def _linked(self) -> set[Path]:
        """Files that links in the input folders lead to. All folders are read once a file is in the way."""
        return set[Path]().union(*(linked_files(folder, is_image) for folder in self._folders))

    def names(self, folder: str) -> tuple[set[str], str]:
        """Names of the files in a folder of results, and the error if it cannot be listed, else an empty text."""
        try:
            return set(self.store.files(folder)), ""
        except Exception as error:  # drivers of storage raise errors of their own
            return set(), f"the output {self.store.shown(folder)!r} cannot be listed: {error}"


def _lies_in(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root.rstrip('/')}/")


def _photos_below(store: Store, results: _Results, shard: Shard, taken: set[str] | None) -> Iterator[StoredPhoto]:
    """Photos of a folder; `taken` are results of other places, None for a single one."""
    waiting, empty = [""], True
    while waiting:
        folder = waiting.pop()
        try:
            folders, files = store.folder(folder)
        except Exception as error:  # drivers of storage raise errors of their own
            empty = False
            yield StoredPhoto(store.place, folder, "", problem=f"the folder cannot be read: {error}")
            continue
        below = [f"{folder}/{name}" if folder else name for name in folders if not is_hidden(name)]
        waiting += reversed([name for name in below if not store.is_at(name, results.store, "")])
        images = [name for name in files if is_image(name) and not is_hidden(name)]
        empty = empty and not images
        yield from _with_results(store.place, folder, images, results, shard, set() if taken is None else taken)
    if empty:
        yield StoredPhoto(store.place, "", "", problem="expected a folder with images, found none in it")


def _with_results(
    place: str, folder: str, images: list[str], results: _Results, shard: Shard, taken: set[str]
) -> Iterator[StoredPhoto]:
    there: tuple[set[str], str] | None = None
    for image in images:
        name = f"{folder}/{image}" if folder else image
        output = target_below(Path(), Path(name)).as_posix()
        paths = results.of(output)
        repeated = next(filter(taken.__contains__, paths), "")
        taken.update(paths)
        if not shard.has(output):
            continue
        names, problem = there = there or results.names(folder)
        present = [path for path in paths if PurePosixPath(path).name in names]
        if not _is_text(name):
            problem = "expected a name in UTF-8; rename the file, or the folder that it is in"
        elif repeated:
            problem = f"another input of this call is written to {repeated!r}; rename one"
        elif any(map(results.replaces_an_input, present)):
            problem = "the result would replace an input; choose another output"
        yield StoredPhoto(place, name, output, output in present, _map_of(output) in present, problem)


def _is_text(name: str) -> bool:
    """Whether a name has no escapes of bytes in it, which pyarrow does not take."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def table_photos(
    place: str, names: Iterable[str | None], out: str, *, shard: Shard = ALL_INPUTS, maps: bool = False
) -> Iterator[StoredPhoto]:
    """The photos of a table, by their paths in it.

    Args:
        place: address of the table.
        names: paths of the photos, with slashes; a null is refused.
        out: the output folder.
        shard: the part of the photos that is given.
        maps: a map of expected errors is written beside each result.

    Raises:
        UsageError: two photos have one result, or a path is none below the output folder.
    """
    there: dict[str, tuple[set[str], str]] = {}
    taken: set[str] = set()
    results = _Results(Store(out), [], maps=maps)
    for name in names:
        below = PurePosixPath(name or "")
        if not name or below.is_absolute() or ".." in below.parts or is_address(name):
            raise UsageError(f"expected relative paths in {Store(place).shown('')!r}, got {name!r}")
        output = target_below(Path(), Path(name)).as_posix()
        paths = results.of(output)
        if repeated := next(filter(taken.__contains__, paths), ""):
            raise UsageError(
                f"expected one photo in {Store(place).shown('')!r} with the result {repeated!r}, got several"
            )
        taken.update(paths)
        if shard.has(output):
            folder = str(PurePosixPath(output).parent).removeprefix(".")
            if folder not in there:
                there[folder] = results.names(folder)
            found, problem = there[folder]
            exists, map_exists = (PurePosixPath(path).name in found for path in (output, _map_of(output)))
            yield StoredPhoto(place, name, output, exists, map_exists, problem)
