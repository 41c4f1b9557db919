"""Command about photos: restore."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from dicface.cli.addresses import EngineName, PlacedCall, places, restore_placed
from dicface.cli.choices import parse_box, parse_faces, parse_scale, parse_shard, parse_strengths
from dicface.cli.clips import ClipJobs, ClipSettings, CodecOption, CrfOption, EndOption, StartOption
from dicface.cli.jobs import Batch, batch_of, open_report, output_of
from dicface.cli.messages import Messages
from dicface.cli.options import (
    BATCH,
    FACES,
    MODEL,
    OUTPUT,
    BackendOption,
    DetectorOption,
    FilesFrom,
    Jobs,
    KeepGps,
    LogJson,
    ModelOption,
    NoMark,
    OptionalOut,
    Overwrite,
    ProviderOption,
    Quiet,
    ShardOption,
    SkipExisting,
    StripMetadata,
    Threads,
    Uncertainty,
    Verbose,
)
from dicface.cli.piping import Pipes, listed
from dicface.cli.terminal import SOME_FAILED, Line, ended_in_order, in_options, run
from dicface.errors import UsageError
from dicface.version import __version__

if TYPE_CHECKING:
    from dicface.faces.geometry import Box
    from dicface.images.inputs import Job
    from dicface.restoration.choice import Strength
    from dicface.restoration.restorer import Restorer


def _stages_line(spent_s: "Mapping[str, float]") -> str:
    """Time by stage, summed over all photos, as text."""
    return f"time by stage: {', '.join(f'{stage} {stage_s:.1f} s' for stage, stage_s in spent_s.items())}"


class _Choice(TypedDict):
    """Options that choose faces, as the library's arguments."""

    boxes: "list[Box]"
    only_boxes: bool
    strength: "Strength"
    min_face: float | None
    max_face: float | None
    faces: tuple[int, ...] | None
    force: bool


def _check_choice(choice: _Choice) -> None:
    """Check the choice of faces before any work."""
    from dicface.restoration.choice import FaceChoice

    if choice["only_boxes"] and not choice["boxes"]:
        raise UsageError("expected --box with --only-boxes, got none")
    FaceChoice(choice["strength"], choice["min_face"], choice["max_face"], choice["faces"], choice["force"])


def _preview(
    batch: Batch,
    restorer: "Restorer",
    choice: _Choice,
    pipes: Pipes,
    messages: Messages,
    *,
    max_megapixels: float,
) -> None:
    """Write previews, and say a line for each face."""
    from dicface.restoration.preview import faces_lines, preview_file

    def work(job: "Job") -> Line:
        result = preview_file(
            job.source,
            job.target,
            restorer=restorer,
            **choice,
            overwrite=batch.overwrite,
            max_megapixels=max_megapixels,
        )
        text = f"{pipes.name(job.source)}: {result.sentence}, nothing restored -> {pipes.name(job.target)}"
        return Line(text, {"faces": len(result.found.faces)}, faces_lines(result.found))

    with batch.claims() as claims:
        tally = run(batch.jobs(), work, messages=messages, name=pipes.name, what="photos", **batch.running("", claims))
    batch.say_left_out(messages)
    pipes.deliver()
    if tally.failed:
        raise typer.Exit(SOME_FAILED)


def restore(
    photos: Annotated[list[Path] | None, typer.Argument(help="Photos, clips, or folders of them; - is stdin.")] = None,
    *,
    out: OptionalOut = None,
    model: ModelOption = "lite",
    scale: Annotated[
        str,
        typer.Option(
            metavar="1..8|auto",
            help="Enlargement of the photo; auto is the largest of 4, 2, 1 whose result has at most 24 megapixels, and "
            "1 for clips.",
            rich_help_panel=OUTPUT,
        ),
    ] = "auto",
    strength: Annotated[
        list[str] | None,
        typer.Option(
            metavar="S|N=S",
            help="0 leaves the plain enlargement, 1 takes the model's face; 0.7 for all faces, 3=0.4 for face 3.",
            rich_help_panel=FACES,
        ),
    ] = None,
    full_strength: Annotated[
        bool,
        typer.Option(
            "--full-strength",
            help="Do not lower the strength of faces where the model is not sure.",
            rich_help_panel=FACES,
        ),
    ] = False,
    faces: Annotated[
        str | None,
        typer.Option(metavar="1,3", help="Restore these, by the numbers of --preview.", rich_help_panel=FACES),
    ] = None,
    min_face: Annotated[
        float | None, typer.Option(help="Leave found faces below this many px alone.", rich_help_panel=FACES)
    ] = None,
    max_face: Annotated[
        float | None, typer.Option(help="Leave found faces above this many px alone.", rich_help_panel=FACES)
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            help="Restore nothing: write the photo with numbered faces in the colour of what would happen. A folder "
            "for several photos.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
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
    large_faces: Annotated[
        Path | None,
        typer.Option(
            help="ONNX file of a 512 px face restorer (GFPGAN, CodeFormer, RestoreFormer++, GPEN) for faces that are "
            "too large for the model.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    background: Annotated[
        Path | None,
        typer.Option(
            help="Any x2 or x4 network for the rest of the photo: ONNX with an image in and an image out, or weights "
            "that spandrel knows.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    fidelity: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Of --large-faces that have it: more is nearer to the photo.", rich_help_panel=MODEL
        ),
    ] = 0.5,
    show_landmarks: Annotated[
        bool, typer.Option("--show-landmarks", help="Draw the landmarks found.", rich_help_panel=OUTPUT)
    ] = False,
    uncertainty: Uncertainty = False,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write a report of all faces to this JSON file; to one ending in .jsonl, a line is appended for each "
            "photo.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    no_report_landmarks: Annotated[
        bool,
        typer.Option("--no-report-landmarks", help="Leave the landmarks out of the report.", rich_help_panel=OUTPUT),
    ] = False,
    max_megapixels: Annotated[
        float, typer.Option(min=0, max=178, help="Refuse larger photos.", rich_help_panel=BATCH)
    ] = 64,
    strip_metadata: StripMetadata = False,
    keep_gps: KeepGps = False,
    no_mark: NoMark = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also restore faces too large or too small to gain.", rich_help_panel=FACES)
    ] = False,
    codec: CodecOption = None,
    crf: CrfOption = None,
    start: StartOption = None,
    end: EndOption = None,
    engine: Annotated[
        EngineName,
        typer.Option(help="none works in this process; ray on a cluster (extra ray).", rich_help_panel=BATCH),
    ] = "none",
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="Cluster of --engine ray, such as auto or ray://HOST:10001; one on this machine if left out.",
            rich_help_panel=BATCH,
        ),
    ] = None,
    concurrency: Annotated[
        str,
        typer.Option(
            metavar="LEAST,GREATEST", help="Actors of --engine ray, one for a core each.", rich_help_panel=BATCH
        ),
    ] = "1",
    files_from: FilesFrom = None,
    shard: ShardOption = "0/1",
    jobs: Jobs = None,
    threads: Threads = None,
    quiet: Quiet = False,
    log_json: LogJson = False,
    verbose: Verbose = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = None,
) -> None:
    """Find the small faces in photos and clips, restore them, and enlarge the photos around them."""
    from dicface.batches.callables import RestoreBatch
    from dicface.batches.jobs import WORKERS
    from dicface.images.clips import is_clip
    from dicface.restoration.files import restore_file
    from dicface.restoration.memory import PhotoGate
    from dicface.restoration.output import Output
    from dicface.restoration.restorer import Restorer
    from dicface.restoration.settings import restore_digest

    choice = _Choice(
        boxes=[parse_box(text) for text in box or ()],
        only_boxes=only_boxes,
        strength=parse_strengths(strength or ()),
        min_face=min_face,
        max_face=max_face,
        faces=parse_faces(faces),
        force=force,
    )
    _check_choice(choice)
    chosen_scale = parse_scale(scale)
    if out is None and preview is None:
        raise UsageError("expected --out, or --preview to restore nothing, got neither")
    sources = listed(photos, files_from)
    placed = places(sources, preview or out or Path(), engine)
    if placed is not None:
        restore_placed(
            PlacedCall(
                *placed,
                engine=engine,
                ray_address=ray_address,
                concurrency=concurrency,
                shard=parse_shard(shard),
                jobs=jobs or WORKERS,
                skip=skip_existing,
                overwrite=overwrite,
                report=report,
                report_landmarks=not no_report_landmarks,
                preview=preview is not None,
                mark=not no_mark,
            ),
            RestoreBatch(
                model,
                backend=backend,
                provider=provider,
                detector=detector,
                detector_threshold=detector_threshold,
                threads=threads or (1 if engine == "ray" else None),
                large_faces=large_faces,
                fidelity=fidelity,
                background=background,
                scale=chosen_scale,
                **choice,
                adaptive=not full_strength,
                max_megapixels=max_megapixels,
                mark=not no_mark,
                metadata=not strip_metadata,
                gps=keep_gps,
                landmarks=show_landmarks,
                uncertainty=uncertainty,
            ),
            Messages(quiet=quiet, log_json=log_json),
        )
        return
    clip_settings = ClipSettings(codec, crf, start, end)
    clip_settings.check(sources)
    maps = uncertainty and preview is None
    pipes = Pipes(sources, preview or out or Path(), maps=maps)
    messages = Messages(quiet=quiet, log_json=log_json, keep_stdout_free=pipes.to_stdout)
    batch = batch_of(
        pipes,
        maps=maps,
        overwrite=overwrite,
        skip_existing="any" if skip_existing and preview else skip_existing,
        shard=parse_shard(shard),
        workers=jobs or WORKERS,
        mark=not no_mark,
        clips=preview is None,
    )
    settings: dict[str, Any] = {
        "model": model,
        "detector": detector,
        "scale": chosen_scale,
        "version": __version__,
    }
    written = open_report(report, settings, batch.listing, overwrite=overwrite, landmarks=not no_report_landmarks)
    restorer = Restorer(
        model,
        backend=backend,
        provider=provider,
        detector=detector,
        detector_threshold=detector_threshold,
        threads=threads,
        several=batch.listing.is_several,
        large_faces=large_faces,
        fidelity=fidelity,
        background=None if preview else background,
    )
    if verbose:
        messages.note(restorer.model.how_it_runs)
    if preview is not None:
        _preview(batch, restorer, choice, pipes, messages, max_megapixels=max_megapixels)
        return
    settings["backend"] = restorer.model.backend
    output = Output(
        mark=not no_mark, metadata=not strip_metadata, gps=keep_gps, landmarks=show_landmarks, overwrite=overwrite
    )

    adaptive, gate, stopping = not full_strength, PhotoGate(), threading.Event()
    clips = ClipJobs(restorer, choice, chosen_scale, adaptive, output, clip_settings, stopping, messages, pipes)

    def work(job: "Job") -> Line:
        if is_clip(job.source):
            return clips(job, written.add)
        result = restore_file(
            job.source,
            job.target,
            restorer=restorer,
            scale=chosen_scale,
            **choice,
            adaptive=adaptive,
            output=output_of(job, output),
            max_megapixels=max_megapixels,
            gate=gate,
        )
        written.add(job, pipes.row(result.report_row()))
        said = f"{in_options(result.sentence)}, {result.elapsed_s:.1f} s"
        text = f"{pipes.name(job.source)}: {said} -> {pipes.name(job.target)}"
        return Line(text, {"elapsed_s": round(result.elapsed_s, 3), "faces": len(result.restoration.faces)})

    digest = restore_digest(restorer, scale=chosen_scale, **choice, adaptive=adaptive, output=output)
    with ended_in_order(stopping.set), written, batch.claims() as claims:
        tally = run(
            written.in_order_of(batch.jobs()),
            work,
            messages=messages,
            name=pipes.name,
            what="photos",
            failed=written.add_failure,
            skipped=written.add_skipped,
            **batch.running(digest, claims, clips.digest),
        )
    batch.say_left_out(messages)
    pipes.deliver()
    if verbose:
        messages.note(_stages_line(written.spent_s))
    if tally.failed:
        raise typer.Exit(SOME_FAILED)
