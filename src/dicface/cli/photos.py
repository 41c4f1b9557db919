"""Command about photos: restore."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dicface.cli.addresses import Concurrency, EngineOption, PlacedCall, RayAddress, places, restore_placed
from dicface.cli.choices import parse_box, parse_faces, parse_scale, parse_shard, parse_strengths
from dicface.cli.clips import ClipJobs, ClipSettings, CodecOption, CrfOption, EndOption, StartOption
from dicface.cli.jobs import batch_of, open_report
from dicface.cli.messages import Messages
from dicface.cli.options import (
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
    SharpnessOption,
    SkipExisting,
    StripMetadata,
    Threads,
    Uncertainty,
    Verbose,
)
from dicface.cli.photo_options import (
    Background,
    Boxes,
    DetectorThreshold,
    FacesOption,
    Fidelity,
    Force,
    FullStrength,
    LargeFacesOption,
    MaxFace,
    MaxMegapixels,
    MinFace,
    NoReportLandmarks,
    OnlyBoxes,
    Photos,
    PreviewOption,
    ReportOption,
    ScaleOption,
    ShowLandmarks,
    StrengthOption,
)
from dicface.cli.piping import Pipes, listed
from dicface.cli.previews import write_previews
from dicface.cli.restoring import Asked, restore_files
from dicface.cli.terminal import SOME_FAILED
from dicface.errors import UsageError
from dicface.version import __version__

if TYPE_CHECKING:
    from dicface.restoration.arguments import FaceArguments


def _stages_line(spent_s: "Mapping[str, float]") -> str:
    """Time by stage, summed over all photos, as text."""
    return f"time by stage: {', '.join(f'{stage} {stage_s:.1f} s' for stage, stage_s in spent_s.items())}"


def _check_choice(choice: "FaceArguments") -> None:
    """Check the choice of faces before any work."""
    from dicface.restoration.choice import FaceChoice

    if choice["only_boxes"] and not choice["boxes"]:
        raise UsageError("expected --box with --only-boxes, got none")
    FaceChoice(choice["strength"], choice["min_face"], choice["max_face"], choice["faces"], choice["force"])


def _check_outputs(out: Path | None, preview: Path | None, report: Path | None) -> None:
    """Check what is to be written before any work."""
    if out is None and preview is None:
        raise UsageError("expected --out, such as -o restored.png, or --preview to restore nothing, got neither")
    if preview is not None and report is not None:
        raise UsageError("expected --preview or --report, got both; a preview writes no report")


def restore(
    photos: Photos = None,
    *,
    out: OptionalOut = None,
    model: ModelOption = "lite",
    scale: ScaleOption = "auto",
    strength: StrengthOption = None,
    full_strength: FullStrength = False,
    sharpness: SharpnessOption = None,
    faces: FacesOption = None,
    min_face: MinFace = None,
    max_face: MaxFace = None,
    preview: PreviewOption = None,
    box: Boxes = None,
    only_boxes: OnlyBoxes = False,
    detector: DetectorOption = "face",
    detector_threshold: DetectorThreshold = None,
    backend: BackendOption = "auto",
    provider: ProviderOption = "auto",
    large_faces: LargeFacesOption = None,
    background: Background = None,
    fidelity: Fidelity = 0.5,
    show_landmarks: ShowLandmarks = False,
    uncertainty: Uncertainty = False,
    report: ReportOption = None,
    no_report_landmarks: NoReportLandmarks = False,
    max_megapixels: MaxMegapixels = 64,
    strip_metadata: StripMetadata = False,
    keep_gps: KeepGps = False,
    no_mark: NoMark = False,
    force: Force = False,
    codec: CodecOption = None,
    crf: CrfOption = None,
    start: StartOption = None,
    end: EndOption = None,
    engine: EngineOption = "none",
    ray_address: RayAddress = None,
    concurrency: Concurrency = "1",
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
    from dicface.batches.jobs import WORKERS
    from dicface.restoration.arguments import FaceArguments, RestorerArguments
    from dicface.restoration.output import Output
    from dicface.restoration.restorer import Restorer

    choice = FaceArguments(
        boxes=[parse_box(text) for text in box or ()],
        only_boxes=only_boxes,
        strength=parse_strengths(strength or ()),
        min_face=min_face,
        max_face=max_face,
        faces=parse_faces(faces),
        force=force,
    )
    _check_choice(choice)
    networks = RestorerArguments(
        backend=backend,
        provider=provider,
        detector=detector,
        detector_threshold=detector_threshold,
        large_faces=large_faces,
        fidelity=fidelity,
        background=background,
        sharpness=sharpness,
    )
    chosen_scale = parse_scale(scale)
    _check_outputs(out, preview, report)
    output = Output(
        mark=not no_mark, metadata=not strip_metadata, gps=keep_gps, landmarks=show_landmarks, overwrite=overwrite
    )
    asked = Asked(model, networks, choice, chosen_scale, not full_strength, max_megapixels, output)
    sources = listed(photos, files_from)
    placed = places(sources, preview or out or Path(), engine)
    if placed is not None:
        call = PlacedCall(
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
        )
        work = asked.batch(threads=threads or (1 if engine == "ray" else None), uncertainty=uncertainty)
        restore_placed(call, work, Messages(quiet=quiet, log_json=log_json))
        return
    clip_settings = ClipSettings(codec, crf, start, end).checked(sources)
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
    if preview is not None:
        networks["background"] = None
    restorer = Restorer(model, **networks, threads=threads, several=batch.listing.is_several)
    if verbose:
        messages.note(restorer.model.how_it_runs)
    if preview is not None:
        write_previews(batch, restorer, choice, pipes, messages, max_megapixels=max_megapixels)
        return
    settings["backend"] = restorer.model.backend
    clips = ClipJobs(
        restorer, choice, chosen_scale, asked.adaptive, output, clip_settings, threading.Event(), messages, pipes
    )
    failed = restore_files(asked, restorer, clips, batch, written)
    if verbose:
        messages.note(_stages_line(written.spent_s))
    if failed:
        raise typer.Exit(SOME_FAILED)
