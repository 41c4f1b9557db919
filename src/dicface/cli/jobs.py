"""Jobs of the commands about photos and crops: from their inputs, with what is written beside each."""

from pathlib import Path
from typing import TYPE_CHECKING

from dicface.cli.messages import Messages
from dicface.cli.piping import Pipes
from dicface.cli.terminal import check_free
from dicface.errors import UsageError

if TYPE_CHECKING:
    from dicface.images.inputs import Job
    from dicface.restoration.output import Output


def jobs_of(pipes: Pipes, messages: Messages, *, maps: bool, skip_existing: bool) -> "tuple[list[Job], list[Job]]":
    """Jobs to do and jobs already done; says the number of the latter."""
    from dicface.images.inputs import list_jobs, split_finished, with_maps

    listing = list_jobs(pipes.sources, pipes.out)
    if text := listing.left_out():
        messages.note(text)
    jobs = with_maps(listing.jobs) if maps else listing.jobs
    left, finished = split_finished(jobs) if skip_existing else (jobs, [])
    if finished:
        messages.done(f"skipped {len(finished)} of {len(jobs)}, whose results are there", event="skipped")
    return left, finished


def check_report(report: Path, jobs: "list[Job]", *, overwrite: bool) -> None:
    """Check before any work that the report replaces nothing and can be written."""
    from dicface.files import real_path

    taken = {real_path(path) for job in jobs for path in (job.source, job.target, *job.beside)}
    if real_path(report) in taken or report.is_dir():
        raise UsageError(f"expected --report to name a file of its own, got {str(report)!r}")
    check_free(report, overwrite=overwrite, another="another --report")


def output_of(job: "Job", output: "Output") -> "Output":
    """The output with the job's map of expected errors."""
    from dataclasses import replace

    return replace(output, uncertainty=job.beside[0]) if job.beside else output
