"""Which results of a batch are there already."""

from collections.abc import Callable
from pathlib import Path

from dicface.batches.names import SkipMode
from dicface.errors import OutputError
from dicface.images.clips import is_clip
from dicface.images.inputs import Job
from dicface.restoration.settings import STATELESS, stated_digest


def may_skip(mode: SkipMode, is_same: Callable[[], bool], *, shown: str, overwrite: bool) -> bool:
    """Whether a result that is there, with all that belongs to it, is left as it is.

    A format without metadata states no settings; its results count as made with the same.

    Args:
        mode: which results count.
        is_same: whether the result states the settings of this call.
        shown: the result's path or address.
        overwrite: results of other settings are made again.

    Raises:
        OutputError: it was made with other settings and is not to be replaced.
    """
    if mode == "any" or Path(shown).suffix.lower() in STATELESS or is_same():
        return True
    if not overwrite:
        raise OutputError(
            f"{shown!r} exists and was made with other settings; add `overwrite` to replace it, or take it as it is "
            "with `skip_existing`=any"
        )
    return False


def check_left_over(mode: SkipMode, is_same: Callable[[], bool], *, shown: str) -> None:
    """Check that a map of expected errors without its photo is what a call that was cut off has left.

    The map is written before the photo, so that such a map is unfinished work, which is done again.

    Args:
        mode: which maps count.
        is_same: whether the map states the settings of this call.
        shown: the map's path or address.

    Raises:
        OutputError: it was made with other settings or by something else.
    """
    if mode != "any" and not is_same():
        raise OutputError(
            f"{shown!r} exists without its photo and was not made with these settings; add `overwrite` to replace it"
        )


def unfinished_check(mode: SkipMode | None, digest: str) -> Callable[[Job], bool]:
    """A function that says whether nothing but a left-over map may be there of a job's results, so that it is replaced.

    Args:
        mode: which maps count; None counts none.
        digest: of the settings of this call. The function raises `OutputError` for a map of other settings.
    """

    def is_unfinished(job: Job) -> bool:
        if mode is None or job.target.exists():
            return False
        for path in filter(Path.is_file, job.beside):
            check_left_over(mode, lambda path=path: stated_digest(path) == digest, shown=str(path))
        return True

    return is_unfinished


def finished_check(
    mode: SkipMode | None, digest: str, *, overwrite: bool, clip_digest: str = ""
) -> Callable[[Job], bool]:
    """A function that says whether the results of a job are there already.

    Args:
        mode: which results count; None counts none.
        digest: of the settings of this call, see `dicface.restoration.settings`.
        clip_digest: the same of clips.
        overwrite: results of other settings are made again. Otherwise the function raises `OutputError` for one.
    """

    def is_same(target: Path) -> bool:
        if is_clip(target):
            # Photos alone do without the extra.
            from dicface.restoration.video.comment import stated_clip_digest

            return stated_clip_digest(target) == clip_digest
        return stated_digest(target) == digest

    def is_done(job: Job) -> bool:
        if mode is None or not all(path.is_file() for path in (job.target, *job.beside)):
            return False
        return may_skip(mode, lambda: is_same(job.target), shown=str(job.target), overwrite=overwrite)

    return is_done
