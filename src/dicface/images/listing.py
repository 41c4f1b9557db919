"""Listing of files and folders, while they are worked on."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path

from dicface.errors import UsageError
from dicface.files import real_path
from dicface.images.clips import CLIP_SUFFIXES, is_clip, lacks_video
from dicface.images.foreign import is_foreign
from dicface.images.inputs import ALL_INPUTS, Job, LeftOut, Shard, is_hidden, is_image, is_media, target_below
from dicface.images.photo import READ_SUFFIXES, WRITE_SUFFIXES, readable_suffixes


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder; False where access is denied."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_missing(path: Path) -> bool:
    """Whether there is nothing of a name; False where that cannot be known."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _count_images(folder: Path) -> int:
    return sum(is_image(name) for _, _, names in os.walk(folder) for name in names)


class _Folder:
    """The images, and clips if they are asked for, below a folder, listed while they are worked on.

    Attributes:
        source: the folder.
        out: its results.
        hidden: number of hidden images that were passed.
        foreign: number of PDF and RAW files that were passed.
        clips: number of clips that were passed for want of the extra.
        hidden_folders: that were passed; their images are counted at the end.
    """

    def __init__(self, source: Path, out: Path, shard: Shard, *, clips: bool) -> None:
        self.source, self.out, self._shard = source, out, shard
        self._lacks_video = clips and lacks_video()
        self.is_input = is_media if clips and not self._lacks_video else is_image
        self.hidden = self.foreign = self.clips = 0
        self.hidden_folders: list[Path] = []
        self.real, self._real_out = real_path(source), real_path(out)

    def is_ours(self, path: Path) -> bool:
        """Whether the folder of a real path holds results of an earlier call, which are no inputs."""
        below_input = self.real in self._real_out.parents
        return below_input and (path == self._real_out or self._real_out in path.parents)

    def walk(self, failed: Callable[[OSError], None] = lambda _: None) -> Iterator[tuple[Path, list[str]]]:
        """Folders with the names in them, both sorted, without hidden folders and results."""
        for parent, folders, names in os.walk(self.source, onerror=failed):
            self.hidden_folders += [Path(parent, name) for name in folders if is_hidden(name)]
            folders[:] = sorted(
                name for name in folders if not is_hidden(name) and not self.is_ours(real_path(Path(parent, name)))
            )
            yield Path(parent), sorted(names)

    def __iter__(self) -> Iterator[Job]:
        """A job for each image of the shard, and one for each subfolder that cannot be read."""
        problems: list[OSError] = []
        empty = True
        for parent, names in self.walk(problems.append):
            empty = empty and not problems
            yield from self._problems(problems)
            relative = parent.relative_to(self.source)
            folder = self.out / relative
            # Links in the output folder may make one folder of two.
            same = real_path(folder) == self._real_out / relative
            repeated = _repeated_stems(names)
            for name in names:
                if is_hidden(name):
                    self.hidden += self.is_input(name)
                elif self.is_input(name):
                    empty = False
                    target = target_below(folder, Path(name))
                    if self._shard.has((relative / target.name).as_posix()):
                        yield Job(parent / name, target, alone=same and _stem(name) not in repeated)
                else:
                    self.foreign += is_foreign(Path(name))
                    self.clips += self._lacks_video and is_clip(name)
        empty = empty and not problems
        yield from self._problems(problems)
        if empty:
            expected = f"expected a folder with images ({' '.join(readable_suffixes())}), found none in it"
            yield Job(self.source, self.out, expected)

    def _problems(self, problems: list[OSError]) -> Iterator[Job]:
        for error in problems:
            yield Job(Path(error.filename), self.out, f"the folder cannot be read: {error.strerror}")
        problems.clear()

    def has(self, path: Path) -> bool:
        """Whether a real path is one of the images, in any shard."""
        if self.real not in path.parents or self.is_ours(path.parent) or not self.is_input(path.name):
            return False
        return not any(map(is_hidden, path.relative_to(self.real).parts)) and path.is_file()


def linked_files(folder: Path, is_input: Callable[[str], bool]) -> set[Path]:
    """Real paths of the inputs below a folder that are links.

    Args:
        folder: the folder; hidden ones below it are left out.
        is_input: whether a name is that of an input.
    """
    found: set[Path] = set()
    folders = [str(folder)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if is_hidden(entry.name):
                    continue
                if entry.is_symlink() and is_input(entry.name):
                    found.add(real_path(Path(entry.path)))
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return found


def _stem(name: str) -> str:
    """Name of a file without suffix, in lower case, and without `.uncertainty`: equal stems may mean equal results."""
    return os.path.splitext(name)[0].casefold().removesuffix(".uncertainty")  # noqa: PTH122 - of a million names


def _repeated_stems(names: Sequence[str]) -> set[str]:
    seen: set[str] = set()
    return {stem for stem in map(_stem, filter(is_media, names)) if stem in seen or seen.add(stem)}


class Listing:
    """The images of files and folders as jobs, listed while they are iterated: a million begin at once.

    `path in listing` says whether a real path is an input.

    Attributes:
        out: the output file or folder.
        is_one: `out` is the result of the only source.
        left_out: what the last complete iteration left out.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        out: Path,
        *,
        one: bool = False,
        shard: Shard = ALL_INPUTS,
        clips: bool = False,
    ) -> None:
        """List nothing yet.

        Args:
            sources: files and folders.
            out: the output folder; or the output file.
            one: the only source is a file, and `out` its result.
            shard: the part of the inputs that is listed.
            clips: list the clips in folders, too.
        """
        self._clips = clips
        self.out, self.left_out = out, LeftOut()
        self.is_one = one
        self._sources, self._shard = list(dict.fromkeys(sources)), shard
        self._links: set[Path] | None = None

    def __iter__(self) -> Iterator[Job]:
        folders: list[_Folder] = []
        for source in self._sources:
            if self.is_one:
                yield Job(source, self.out, self._problem(source))
            elif _is_folder(source):
                folders.append(_Folder(source, self.out, self._shard, clips=self._clips))
                several = len(self._sources) > 1
                yield from (job._replace(alone=False) if several else job for job in folders[-1])
            else:
                target = target_below(self.out, Path(source.name))
                if self._shard.has(target.name):
                    yield Job(source, target, self._problem(source))
        hidden = sum(map(_count_images, (path for folder in folders for path in folder.hidden_folders)))
        self.left_out = LeftOut(
            sum(folder.hidden for folder in folders) + hidden,
            sum(folder.foreign for folder in folders),
            sum(folder.clips for folder in folders),
        )

    def _problem(self, source: Path) -> str:
        """The error for a given path that is missing and has no suffix of an input; otherwise empty."""
        if is_media(source.name) or not _is_missing(source):
            return ""
        kinds = "an image, a clip" if self._clips and not lacks_video() else "an image"
        return f"expected {kinds} or a folder, found nothing of that name; check the path"

    def count(self) -> int:
        """Number of jobs. It takes the time of a whole listing."""
        return sum(1 for _ in self._again())

    def _again(self) -> "Listing":
        return Listing(self._sources, self.out, one=self.is_one, shard=self._shard, clips=self._clips)

    @property
    def is_several(self) -> bool:
        """Whether there are two jobs or more."""
        return len(list(islice(self, 2))) == 2

    def __contains__(self, path: object) -> bool:
        """Whether a real path is an input, in any shard."""
        if not isinstance(path, Path):
            return False
        return path in self._given or any(folder.has(path) for folder in self._folders) or self._is_linked(path)

    @cached_property
    def _given(self) -> set[Path]:
        return set(map(real_path, self._sources))

    @cached_property
    def _folders(self) -> list[_Folder]:
        return [
            _Folder(source, self.out, self._shard, clips=self._clips) for source in self._sources if _is_folder(source)
        ]

    def _is_linked(self, path: Path) -> bool:
        """Whether a link in an input folder leads to a path. All folders are read for the first path that exists."""
        if not self._folders or not path.exists():
            return False
        if self._links is None:
            self._links = set[Path]().union(*(linked_files(each.source, each.is_input) for each in self._folders))
        return path in self._links


def list_jobs(sources: Sequence[Path], out: Path, *, shard: Shard = ALL_INPUTS, clips: bool = False) -> Listing:
    """Pair inputs with outputs.

    A folder stands for all images below it, whose subfolders are kept; hidden ones, bins and folders of thumbnails are
    left out. A single file goes to `out` itself if that has a suffix and is no folder. All others go below `out` under
    their own names, as PNG if their format cannot be written.

    Args:
        sources: files and folders.
        out: the output file or folder.
        shard: the part of the inputs that is listed; a single file with an output file of its own is in each.
        clips: list the clips in folders, too; the result of a single one is named like a clip.

    Raises:
        UsageError: `out` has an image suffix, but there are several inputs or the format cannot be written.
    """
    one_file = len(sources) == 1 and not _is_folder(sources[0])
    one_clip = clips and one_file and is_clip(sources[0])
    known = CLIP_SUFFIXES if one_clip else WRITE_SUFFIXES
    like_an_image = out.suffix.lower() in {*READ_SUFFIXES, *WRITE_SUFFIXES, *(CLIP_SUFFIXES if clips else ())}
    if (like_an_image or (one_file and out.suffix)) and not _is_folder(out):
        if one_file and out.suffix.lower() not in known:
            endings = " ".join(known)
            raise UsageError(f"expected an output ending in one of {endings}, or an existing folder, got {out.name!r}")
        if not one_file:
            raise UsageError(f"expected a folder for several results, got {out.name!r}, which is named like an image")
        return Listing(sources, out, one=True, clips=clips)
    return jobs_below(sources, out, shard=shard, clips=clips)


def jobs_below(sources: Sequence[Path], folder: Path, *, shard: Shard = ALL_INPUTS, clips: bool = False) -> Listing:
    """Pair files and folders with paths below an output folder, whatever its name."""
    return Listing(sources, folder, shard=shard, clips=clips)
