"""Batches of the commands about photos and crops: from their inputs, with what is written beside each."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dicface.cli.messages import Messages
from dicface.cli.piping import Pipes
from dicface.cli.terminal import check_free
from dicface.errors import UsageError

if TYPE_CHECKING:
    from dicface.batches.claims import Claims
    from dicface.batches.names import SkipMode
    from dicface.batches.report import Report
    from dicface.images.inputs import Job, Shard
    from dicface.images.listing import Listing
    from dicface.restoration.output import Output


UNMARKED = "expected --skip-existing=any with --no-mark, whose results do not say how they were made"


@dataclass(frozen=True)
class Batch:
    """The inputs of a call and how they are worked on.

    Attributes:
        listing: the inputs.
        maps: a map of expected errors is written beside each result.
        overwrite: existing results are replaced.
        skip: which existing results are left as they are.
        workers: inputs worked on at a time.
    """

    listing: "Listing"
    maps: bool
    overwrite: bool
    skip: "SkipMode | None"
    workers: int

    def jobs(self) -> "Iterator[Job]":
        """The jobs, listed while they are worked on."""
        from dicface.images.inputs import with_map

        return map(with_map, self.listing) if self.maps else iter(self.listing)

    @contextmanager
    def claims(self) -> "Generator[Claims]":
        """Claims against other calls on the same output folder, where results that are there are skipped."""
        from dicface.batches.claims import NO_CLAIMS, FolderClaims

        with ExitStack() as stack:
            shared = self.skip is not None and not self.listing.is_one
            yield stack.enter_context(FolderClaims(self.listing.out)) if shared else NO_CLAIMS

    def running(self, digest: str, claims: "Claims", clip_digest: str = "") -> dict[str, Any]:
        """Arguments of `run`.

        Args:
            digest: of the settings, by which results that are there are recognised.
            claims: of this batch.
            clip_digest: the same of clips.
        """
        from dicface.batches.skipping import finished_check, unfinished_check

        return {
            "overwrite": self.overwrite,
            "workers": self.workers,
            "count": self.listing.count,
            "inputs": self.listing,
            "is_done": finished_check(self.skip, digest, overwrite=self.overwrite, clip_digest=clip_digest),
            "is_unfinished": unfinished_check(self.skip, digest),
            "claims": claims,
        }

    def output_of(self, job: "Job", output: "Output") -> "Output":
        """The output with the job's map of expected errors, which may replace one that a call cut off has left."""
        from dataclasses import replace

        if not job.beside:
            return output
        unfinished = self.skip is not None and not job.target.exists()
        return replace(output, uncertainty=job.beside[0], overwrite=output.overwrite or unfinished)

    def say_left_out(self, messages: Messages) -> None:
        """Say what was left out of folders, once all are listed."""
        if text := self.listing.left_out.text():
            messages.note(text)


def batch_of(
    pipes: Pipes,
    *,
    maps: bool,
    overwrite: bool,
    skip_existing: "SkipMode | None",
    shard: "Shard",
    workers: int,
    mark: bool = True,
    clips: bool = False,
) -> Batch:
    """The batch of a call's inputs.

    Args:
        pipes: the inputs and the output.
        maps, overwrite, workers: see `Batch`.
        skip_existing: which existing results are skipped.
        shard: part of the inputs.
        mark: results say how they were made.
        clips: folders are searched for clips, too.
    """
    from dicface.images.listing import list_jobs

    if skip_existing == "settings" and not mark:
        raise UsageError(UNMARKED)
    listing = list_jobs(pipes.sources, pipes.out, shard=shard, clips=clips)
    return Batch(listing, maps, overwrite, skip_existing, workers)


def open_report(
    path: Path | None, settings: dict[str, Any], listing: "Listing", *, overwrite: bool, landmarks: bool
) -> "Report":
    """The report of a call: JSON lines to a file of that suffix, else one JSON file.

    Args:
        path: the file; None for none. It replaces neither an input nor a result.
        settings: of the call.
        listing: its inputs.
        overwrite: the file may be replaced; lines are always appended.
        landmarks: with the landmarks of each face.
    """
    from dicface.batches.report import BatchReport
    from dicface.batches.report_lines import LINES_SUFFIX, LinesReport
    from dicface.batches.report_parquet import PARQUET_SUFFIX
    from dicface.files import check_folder, real_path
    from dicface.images.clips import CLIP_SUFFIXES
    from dicface.images.photo import READ_SUFFIXES, WRITE_SUFFIXES

    if path is None:
        return BatchReport(None, settings, landmarks=landmarks)
    like_an_image = path.suffix.lower() in {*READ_SUFFIXES, *WRITE_SUFFIXES, *CLIP_SUFFIXES}
    if like_an_image or real_path(path) in listing or path.is_dir():
        raise UsageError(f"expected --report to name a file of its own, got {str(path)!r}")
    if path.suffix.lower() == PARQUET_SUFFIX:
        raise UsageError(
            f"expected --report as .json or {LINES_SUFFIX} without --engine or addresses, got {str(path)!r}"
        )
    if path.suffix.lower() == LINES_SUFFIX:
        check_folder(path)
        return LinesReport(path, landmarks=landmarks)
    check_free(path, overwrite=overwrite, another="another --report")
    check_folder(path)
    return BatchReport(path, settings, landmarks=landmarks)
