"""Commands about photos and faces: restore, upscale."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dicface.cli.messages import Messages
from dicface.cli.options import (
    BATCH,
    FACES,
    OUTPUT,
    BackendOption,
    DetectorOption,
    FilesFrom,
    KeepGps,
    LogJson,
    ModelOption,
    NoMark,
    Out,
    Overwrite,
    ProviderOption,
    Quiet,
    SkipExisting,
    StripMetadata,
    Uncertainty,
    Verbose,
)
from dicface.cli.piping import Pipes, listed
from dicface.cli.terminal import SOME_FAILED, Line, check_free, ended_in_order, in_options, run
from dicface.errors import UsageError
from dicface.version import __version__

if TYPE_CHECKING:
    from dicface.faces.geometry import Box
    from dicface.images.inputs import Job
    from dicface.restoration.output import Output


def _parse_box(text: str) -> "Box":
    from dicface.faces.geometry import Box

    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"expected --box X0,Y0,X1,Y1 in pixels of the photo, got {text!r}") from error
    # Written as `not (...)`, so that NaN fails, too.
    if not (-math.inf < left < right < math.inf and -math.inf < top < bottom < math.inf):
        raise UsageError(f"expected --box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got {text!r}")
    return Box(left, top, right, bottom)


def _jobs(pipes: Pipes, messages: Messages, *, maps: bool, skip_existing: bool) -> "tuple[list[Job], list[Job]]":
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


def _check_report(report: Path, jobs: "list[Job]", *, overwrite: bool) -> None:
    """Check before any work that the report replaces nothing and can be written."""
    from dicface.files import real_path

    taken = {real_path(path) for job in jobs for path in (job.source, job.target, *job.beside)}
    if real_path(report) in taken or report.is_dir():
        raise UsageError(f"expected --report to name a file of its own, got {str(report)!r}")
    check_free(report, overwrite=overwrite, another="another --report")


def _output_of(job: "Job", output: "Output") -> "Output":
    """The output with the job's map of expected errors."""
    from dataclasses import replace

    return replace(output, uncertainty=job.beside[0]) if job.beside else output


def _stages_line(spent_s: "Mapping[str, float]") -> str:
    """Time by stage, summed over all photos, as text."""
    return f"time by stage: {', '.join(f'{stage} {stage_s:.1f} s' for stage, stage_s in spent_s.items())}"


def restore(
    photos: Annotated[list[Path] | None, typer.Argument(help="Photos, or folders of photos; - is stdin.")] = None,
    *,
    out: Out,
    model: ModelOption = "lite",
    scale: Annotated[float, typer.Option(min=1, max=8, help="Enlargement of the photo.", rich_help_panel=OUTPUT)] = 4,
    box: Annotated[
        list[str] | None,
        typer.Option(help="A face X0,Y0,X1,Y1 in pixels, besides those that are found.", rich_help_panel=FACES),
    ] = None,
    only_boxes: Annotated[
        bool, typer.Option("--only-boxes", help="Look for no faces besides those of --box.", rich_help_panel=FACES)
    ] = False,
    detector: DetectorOption = "face",
    detector_threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Least probability of a face; detections below it are left alone.",
            rich_help_panel=FACES,
        ),
    ] = None,
    backend: BackendOption = "auto",
    provider: ProviderOption = "auto",
    show_landmarks: Annotated[
        bool, typer.Option("--show-landmarks", help="Draw the landmarks found.", rich_help_panel=OUTPUT)
    ] = False,
    uncertainty: Uncertainty = False,
    report: Annotated[
        Path | None, typer.Option(help="Write a report of all faces to this JSON file.", rich_help_panel=OUTPUT)
    ] = None,
    max_megapixels: Annotated[
        float, typer.Option(min=0, max=178, help="Refuse larger photos.", rich_help_panel=BATCH)
    ] = 64,
    strip_metadata: StripMetadata = False,
    keep_gps: KeepGps = False,
    no_mark: NoMark = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also restore faces too large or too small to gain.", rich_help_panel=FACES)
    ] = False,
    files_from: FilesFrom = None,
    quiet: Quiet = False,
    log_json: LogJson = False,
    verbose: Verbose = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
) -> None:
    """Find the small faces in photos, restore them, and enlarge the photos around them."""
    from dicface.restoration.batch import WORKERS
    from dicface.restoration.files import restore_file
    from dicface.restoration.memory import PhotoGate
    from dicface.restoration.output import Output
    from dicface.restoration.report import BatchReport
    from dicface.restoration.restorer import Restorer

    pipes = Pipes(listed(photos, files_from), out, maps=uncertainty)
    messages = Messages(quiet=quiet, log_json=log_json, keep_stdout_free=pipes.to_stdout)
    boxes = [_parse_box(text) for text in box or ()]
    if only_boxes and not boxes:
        raise UsageError("expected --box with --only-boxes, got none")
    jobs, finished = _jobs(pipes, messages, maps=uncertainty, skip_existing=skip_existing)
    if report is not None:
        _check_report(report, [*jobs, *finished], overwrite=overwrite)
    restorer = Restorer(
        model,
        backend=backend,
        provider=provider,
        detector=detector,
        detector_threshold=detector_threshold,
        several=len(jobs) > 1,
    )
    if verbose:
        messages.note(restorer.model.how_it_runs)
    settings = {
        "model": model,
        "backend": restorer.model.backend,
        "detector": detector,
        "scale": scale,
        "version": __version__,
    }
    batch_report, gate = BatchReport(report, settings, jobs), PhotoGate()
    output = Output(
        mark=not no_mark, metadata=not strip_metadata, gps=keep_gps, landmarks=show_landmarks, overwrite=overwrite
    )

    def work(job: "Job") -> Line:
        result = restore_file(
            job.source,
            job.target,
            restorer=restorer,
            scale=scale,
            boxes=boxes,
            only_boxes=only_boxes,
            force=force,
            output=_output_of(job, output),
            max_megapixels=max_megapixels,
            gate=gate,
        )
        batch_report.add(job, pipes.row(result.report_row()))
        said = f"{in_options(result.sentence)}, {result.elapsed_s:.1f} s"
        text = f"{pipes.name(job.source)}: {said} -> {pipes.name(job.target)}"
        return Line(text, {"elapsed_s": round(result.elapsed_s, 3), "faces": len(result.restoration.faces)})

    with ended_in_order(), batch_report:
        failures = run(
            jobs,
            work,
            messages=messages,
            name=pipes.name,
            what="photos",
            overwrite=overwrite,
            workers=WORKERS,
            failed=batch_report.add_failure,
            finished=finished,
        )
    pipes.deliver()
    if verbose:
        messages.note(_stages_line(batch_report.spent_s))
    if failures:
        raise typer.Exit(SOME_FAILED)


def upscale(
    faces: Annotated[
        list[Path] | None,
        typer.Argument(help="Aligned square face crops of 8 to 64 px, or folders of them; - is stdin."),
    ] = None,
    *,
    out: Out,
    model: ModelOption = "lite",
    all_steps: Annotated[
        bool, typer.Option("--all-steps", help="Write all steps side by side.", rich_help_panel=OUTPUT)
    ] = False,
    landmarks: Annotated[
        bool, typer.Option("--landmarks", help="Draw the landmarks found.", rich_help_panel=OUTPUT)
    ] = False,
    consistent: Annotated[
        bool,
        typer.Option(
            "--consistent",
            help="Project results so that they reduce to their input exactly; for clean reductions only.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    uncertainty: Uncertainty = False,
    backend: BackendOption = "auto",
    provider: ProviderOption = "auto",
    strip_metadata: StripMetadata = False,
    keep_gps: KeepGps = False,
    no_mark: NoMark = False,
    files_from: FilesFrom = None,
    quiet: Quiet = False,
    log_json: LogJson = False,
    verbose: Verbose = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
) -> None:
    """Super-resolve aligned face crops to 128x128."""
    from dicface.restoration.files import upscale_file
    from dicface.restoration.output import Output
    from dicface.runtime.face_model import FaceModel

    pipes = Pipes(listed(faces, files_from), out, maps=uncertainty)
    messages = Messages(quiet=quiet, log_json=log_json, keep_stdout_free=pipes.to_stdout)
    network = FaceModel(model, backend=backend, provider=provider)
    if verbose:
        messages.note(network.how_it_runs)
    output = Output(
        mark=not no_mark, metadata=not strip_metadata, gps=keep_gps, landmarks=landmarks, overwrite=overwrite
    )

    def work(job: "Job") -> Line:
        result = upscale_file(
            job.source,
            job.target,
            model=network,
            all_steps=all_steps,
            consistent=consistent,
            output=_output_of(job, output),
        )
        return Line(f"{pipes.name(job.source)}: {in_options(result.sentence)} -> {pipes.name(job.target)}")

    jobs, finished = _jobs(pipes, messages, maps=uncertainty, skip_existing=skip_existing)
    failures = run(jobs, work, messages=messages, name=pipes.name, what="faces", overwrite=overwrite, finished=finished)
    pipes.deliver()
    if failures:
        raise typer.Exit(SOME_FAILED)
