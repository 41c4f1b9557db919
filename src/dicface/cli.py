"""The command line. Heavy rooms are imported by the command that needs them, so that `--help` is quick."""

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dicface.errors import DicfaceError, UsageError
from dicface.version import __version__

if TYPE_CHECKING:
    from dicface.images import Photo
    from dicface.pipeline.align import Box
    from dicface.pipeline.jobs import Failure, Job
    from dicface.pipeline.restore import Face, Outcome

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tiny, blurred faces in photos become 128 px faces with landmarks.",
)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)

DONE, SOME_FAILED, WRONG_CALL = 0, 1, 2

Out = Annotated[Path, typer.Option("--out", "-o", help="Output folder, or output file for one input.")]
Model = Annotated[str, typer.Option(help="Name of an embedded model (see `dicface models`) or a model file.")]
Contender = Annotated[
    str,
    typer.Option(
        "--model",
        help="Name of an embedded model, bicubic, lanczos, or a file: one of ours, any ONNX with an image in and an "
        "image out, or weights of any network that spandrel knows (.safetensors, .pth).",
    ),
]
Backend = Annotated[str, typer.Option(help="auto, onnxruntime, openvino or torch.")]
StripMetadata = Annotated[bool, typer.Option("--strip-metadata", help="Leave out EXIF, XMP and profile of the source.")]
KeepGps = Annotated[bool, typer.Option("--keep-gps", help="Keep the place where the photo was taken.")]
NoMark = Annotated[bool, typer.Option("--no-mark", help="Do not say in the result that a network made parts of it.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say on stderr what runs the model, and why.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist already.")]


def main() -> None:
    """Run the command line; wrong calls end with 2, failed inputs with 1."""
    try:
        app()
    except UsageError as error:
        _say(str(error))
        raise SystemExit(WRONG_CALL) from error
    except DicfaceError as error:
        _say(str(error))
        raise SystemExit(SOME_FAILED) from error


def _one_line(text: str) -> str:
    """Names of files may hold line breaks, and bytes that are no text."""
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return whole.replace("\n", "\\n").replace("\r", "\\r")


def _say(text: str) -> None:
    _errors.print(f"dicface: {_one_line(text)}", markup=False, emoji=False)


def _run(jobs: "list[Job]", overwrite: bool, work: "Callable[[Job], str]", workers: int = 1) -> "list[Failure]":
    """Do all jobs under a progress bar, print the line that each gives, and say on stderr which failed."""
    from dicface.pipeline.jobs import Failure, run_jobs

    failures: list[Failure] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_errors, transient=True, disable=not _errors.is_terminal) as progress:
        bar = progress.add_task("faces", total=len(jobs))
        for _, result in run_jobs(jobs, work, overwrite, workers):
            if isinstance(result, Failure):
                failures.append(result)
                _say(f"{result.source}: {result.error}")
            else:
                typer.echo(_one_line(result))
            progress.advance(bar)
    return failures


def _parse_box(text: str) -> "Box":
    from dicface.pipeline.align import Box

    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"expected --box X0,Y0,X1,Y1 in pixels of the photo, got {text!r}") from error
    # Said this way round, it refuses what is not a number, too.
    if not (-math.inf < left < right < math.inf and -math.inf < top < bottom < math.inf):
        raise UsageError(f"expected --box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got {text!r}")
    return Box(left, top, right, bottom)


def _check_report(report: Path, jobs: "list[Job]", overwrite: bool) -> None:
    """Refuse, before any work is done, a report that would replace something or cannot be written."""
    from dicface.files import real_path

    taken = {real_path(path) for job in jobs for path in (job.source, job.target)}
    if real_path(report) in taken or report.is_dir():
        raise UsageError(f"expected --report to name a file of its own, got {str(report)!r}")
    if report.exists() and not overwrite:
        raise UsageError(f"{str(report)!r} exists; add --overwrite to replace it, or choose another --report")


def _stages_line(reports: "Iterable[dict[str, Any]]") -> str:
    """Which stage took how long, all photos together."""
    spent_s: Counter[str] = Counter()
    for report in reports:
        spent_s.update(report["stages_s"])
    return f"time by stage: {', '.join(f'{stage} {stage_s:.1f} s' for stage, stage_s in spent_s.items())}"


def _faces_line(faces: "Sequence[Face]", restored: "Outcome") -> str:
    """How many faces were found, and what became of them."""
    outcomes = Counter(face.outcome for face in faces)
    done = outcomes.pop(restored, 0)
    found = f"{done} of {len(faces)} faces restored" if faces else "no face found"
    return ", ".join((found, *(f"{count} {outcome.value}" for outcome, count in outcomes.items())))


@app.command()
def restore(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    out: Out,
    model: Model = "lite",
    scale: Annotated[float, typer.Option(min=1, max=8, help="Enlargement of the photo.")] = 4,
    box: Annotated[list[str] | None, typer.Option(help="A face X0,Y0,X1,Y1 in pixels, instead of detection.")] = None,
    detector: Annotated[
        str,
        typer.Option(
            help="dlib (faces from 16 px), dlib-fast (from 40 px) or dlib-thorough (from 16 px in large photos, too)."
        ),
    ] = "dlib",
    backend: Backend = "auto",
    show_landmarks: Annotated[bool, typer.Option("--show-landmarks", help="Draw the landmarks found.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write what was found to this JSON file.")] = None,
    max_megapixels: Annotated[float, typer.Option(min=0, max=178, help="Refuse larger photos.")] = 64,
    strip_metadata: StripMetadata = False,
    keep_gps: KeepGps = False,
    no_mark: NoMark = False,
    force: Annotated[bool, typer.Option("--force", help="Also faces too large or too small to gain.")] = False,
    verbose: Verbose = False,
    overwrite: Overwrite = False,
) -> None:
    """Find the small faces in photos, restore them, and enlarge the photos around them."""
    from dicface.files import write_json
    from dicface.images import PILLOW_MEGAPIXELS, check_writable, write_photo
    from dicface.pipeline.jobs import WORKERS, PhotoGate, list_jobs
    from dicface.pipeline.report import photo_report
    from dicface.pipeline.restore import Outcome, Restorer
    from dicface.pipeline.result import mark_of_photo, result_photo

    boxes = None if not box else [_parse_box(text) for text in box]
    jobs = list_jobs(photos, out)
    if report is not None:
        _check_report(report, jobs, overwrite)
    restorer = Restorer(model, backend, detector)
    if verbose:
        _say(restorer.model.how_it_runs)
    reports: dict[Path, dict[str, Any]] = {}

    gate = PhotoGate()

    def work(job: "Job") -> str:
        with gate.photo(job.source, max_megapixels, scale) as (photo, read_s):
            return restore_one(job, photo, read_s)

    def restore_one(job: "Job", photo: "Photo", read_s: float) -> str:
        height, width = photo.pixels.shape[:2]
        size = (round(width * scale), round(height * scale))
        check_writable(job.target, *size, photo.alpha is not None)
        restoration = restorer.restore(photo.pixels, scale, boxes, force)
        restored_at = time.perf_counter()
        mark = mark_of_photo(restorer.model, restoration)
        result = result_photo(
            photo,
            restoration,
            None if no_mark else mark,
            strip_metadata=strip_metadata,
            keep_gps=keep_gps,
            show_landmarks=show_landmarks,
        )
        notes = photo.notes + write_photo(job.target, result)
        smallest_px = restorer.smallest_face_px(photo.pixels)
        if boxes is None and detector == "dlib" and smallest_px > 16:
            notes += (f"faces under {smallest_px:.0f} px were not looked for (--detector dlib-thorough does)",)
        if size[0] * size[1] > PILLOW_MEGAPIXELS * 1e6:
            notes += (f"{size[0] * size[1] / 1e6:.0f} megapixels, more than some programs open",)
        stages_s = {"read": read_s, **restoration.stages_s, "write": time.perf_counter() - restored_at}
        reports[job.source] = photo_report(job.source, job.target, restoration, mark, scale, notes, stages_s)
        found = _faces_line(restoration.faces, Outcome.RESTORED)
        return f"{job.source}: {', '.join((found, *notes))}, {sum(stages_s.values()):.1f} s -> {job.target}"

    failures = _run(jobs, overwrite, work, WORKERS)
    if verbose:
        _say(_stages_line(reports.values()))
    if report is not None:
        failed = [{"input": str(failure.source), "error": str(failure.error)} for failure in failures]
        in_order = [reports[job.source] for job in jobs if job.source in reports]
        settings = {"model": model, "backend": restorer.model.backend, "scale": scale, "version": __version__}
        write_json(report, {**settings, "photos": in_order, "failed": failed})
    if failures:
        raise typer.Exit(SOME_FAILED)


@app.command()
def upscale(
    faces: Annotated[list[Path], typer.Argument(help="Aligned square face crops of 8 to 64 px, or folders of them.")],
    out: Out,
    model: Model = "lite",
    all_steps: Annotated[bool, typer.Option("--all-steps", help="Every step side by side.")] = False,
    landmarks: Annotated[bool, typer.Option("--landmarks", help="Draw the landmarks found.")] = False,
    consistent: Annotated[
        bool,
        typer.Option("--consistent", help="Make results reduce to their input exactly; for clean reductions only."),
    ] = False,
    backend: Backend = "auto",
    strip_metadata: StripMetadata = False,
    keep_gps: KeepGps = False,
    no_mark: NoMark = False,
    verbose: Verbose = False,
    overwrite: Overwrite = False,
) -> None:
    """Super-resolve aligned face crops to 128x128."""
    from dicface.draw import draw_landmarks, side_by_side
    from dicface.errors import ImageError
    from dicface.images import FACE_PX, Photo, read_photo, resize, write_photo
    from dicface.metadata import NO_METADATA, of_result
    from dicface.pipeline.jobs import list_jobs
    from dicface.pipeline.result import mark_of
    from dicface.runtime.consistent import Consistent
    from dicface.runtime.models import FaceModel

    network = FaceModel(model, backend)
    upscaled = Consistent(network) if consistent else network
    if verbose:
        _say(network.how_it_runs)
    low, high = network.lr_sizes

    def work(job: "Job") -> str:
        photo = read_photo(job.source)
        height, width = photo.pixels.shape[:2]
        if height != width or not low <= width <= high:
            raise ImageError(
                f"expected a square face crop of {low} to {high} px, got {width}x{height}; "
                "use `dicface restore` for whole photos"
            )
        (result,) = upscaled([photo.pixels])
        pictures = list(zip(result.sr, result.landmarks, strict=True))[0 if all_steps else -1 :]
        drawn = [draw_landmarks(sr, points) if landmarks else sr for sr, points in pictures]
        alpha = None if photo.alpha is None or all_steps else resize(photo.alpha, (FACE_PX, FACE_PX))
        image = side_by_side(drawn)
        mark = None if no_mark else mark_of(network, faces=1)
        metadata = of_result(NO_METADATA if strip_metadata else photo.metadata, image, mark, keep_gps)
        notes = photo.notes + write_photo(job.target, Photo(image, alpha, photo.grey and not landmarks, metadata))
        return f"{', '.join((f'{job.source}: {width} px', *notes))} -> {job.target}"

    if _run(list_jobs(faces, out), overwrite, work):
        raise typer.Exit(SOME_FAILED)


@app.command()
def models(as_json: Annotated[bool, typer.Option("--json", help="Print the cards as JSON.")] = False) -> None:
    """List the embedded models with their cards."""
    from dicface.cards import facts_table, results_table
    from dicface.runtime.models import DEFAULT_MODEL, embedded_models

    cards = embedded_models()
    if as_json:
        typer.echo(json.dumps(cards, indent=2))
        return
    console = Console(highlight=False)
    for name, card in cards.items():
        default = " (default)" if name == DEFAULT_MODEL else ""
        console.print(f"[bold]{name}[/bold]{default}: {card['description']}")
        console.print(facts_table(name, card))
        console.print(results_table(name, card))


@app.command()
def prepare(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The face pack, DATA.parquet.")],
    landmarks: Annotated[
        str,
        typer.Option(
            help="network (detect faces), pts (beside the photos), a folder of .pts files, a pickle of the DIC "
            "authors, or one of CelebA's lists of landmarks or boxes."
        ),
    ] = "network",
    enlargement: Annotated[float, typer.Option(help="The crop is that much larger than the landmarks' square.")] = 0.3,
    size: Annotated[int, typer.Option(help="Side of the stored image; its central 128 px are the crop.")] = 144,
    image_format: Annotated[str, typer.Option("--format", help="webp, webp-lossless, png or jpeg.")] = "webp",
    quality: Annotated[int, typer.Option(help="Of webp and jpeg, 1 to 100.")] = 90,
    min_crop: Annotated[int, typer.Option(help="Skip faces whose crop has fewer px a side in the photo.")] = 128,
    max_outside: Annotated[float, typer.Option(help="Share of the crop that may lie beyond the photo.")] = 0.1,
    min_peak: Annotated[float, typer.Option(help="Skip faces whose landmarks are less sure, 0 to 1.")] = 0.6,
    keep_duplicates: Annotated[bool, typer.Option("--keep-duplicates", help="Also near duplicates.")] = False,
    identities: Annotated[Path | None, typer.Option(help="List of photos and numbers of people (CelebA's).")] = None,
    split: Annotated[
        str | None, typer.Option(help="identity, file or a partition list (CelebA's): several packs, DATA-train...")
    ] = None,
    val_share: Annotated[float, typer.Option(help="Of the faces, with --split identity or file.")] = 0.1,
    test_share: Annotated[float, typer.Option(help="Of the faces, with --split identity or file.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the split.")] = 0,
    source: Annotated[str | None, typer.Option(help="Name of the data, DATA if left out; keys begin with it.")] = None,
    skipped: Annotated[Path | None, typer.Option(help="What was skipped and why; DATA.skipped.csv.")] = None,
    sheet: Annotated[Path | None, typer.Option("--contact-sheet", help="Draw the faces kept.")] = None,
    faces: Annotated[Path | None, typer.Option(help="CSV of where each face kept was cut out, and how surely.")] = None,
    detector: Annotated[str, typer.Option(help="dlib-fast (faces from 40 px), dlib or dlib-thorough.")] = "dlib-fast",
    max_megapixels: Annotated[float, typer.Option(min=0, max=178, help="Refuse larger photos.")] = 64,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one for each core if left out.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Cut the faces out of photos, find their landmarks, and write a face pack (needs the train extra)."""
    _need_train_extra("pyarrow", "imagehash")
    from dicface.data.splits import Shares
    from dicface.pipeline.preparing.cutting import Recipe
    from dicface.pipeline.preparing.prepare import Preparation, list_photos
    from dicface.pipeline.preparing.prepare import prepare as prepare_pack
    from dicface.pipeline.preparing.results import Results
    from dicface.pipeline.preparing.sorting import Choice
    from dicface.pipeline.preparing.workers import usable_cores

    recipe = Recipe(
        enlargement, size, min_crop, max_outside, min_peak, image_format, quality, detector, max_megapixels
    )  # fmt: skip
    choice = Choice(source or out.stem, keep_duplicates, identities, split, Shares(val_share, test_share), seed)
    results = Results(out, skipped or out.with_suffix(".skipped.csv"), choice.sides, sheet, faces, overwrite)
    inputs = list_photos(photos, results)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_errors, transient=True, disable=not _errors.is_terminal) as progress:
        bar = progress.add_task("photos", total=len(inputs))
        preparation = Preparation(recipe, choice, landmarks)
        advance = partial(progress.advance, bar)
        written = prepare_pack(inputs, results, preparation, jobs or usable_cores(), advance)
    for failure in written.failures:
        _say(f"{failure.photo}: {failure.detail}")
    for pack, count in written.faces.items():
        typer.echo(_one_line(f"wrote {pack}: {count} faces"))
    reasons = ", ".join(f"{count} {reason}" for reason, count in written.reasons.most_common())
    typer.echo(_one_line(f"skipped: {reasons or 'nothing'} -> {results.skipped}"))
    if not written.faces:
        _say(f"none of {len(inputs)} photos gave a face to keep, so no pack was written")
        raise typer.Exit(SOME_FAILED)
    if written.failures:
        raise typer.Exit(SOME_FAILED)


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="TOML file of the run; see configs/.")],
    data: Annotated[list[Path], typer.Option(help="Face pack or folder of packs to learn from; repeatable.")],
    validation: Annotated[Path | None, typer.Option(help="Face pack that is measured on the way.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; runs/NAME if left out.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Override a setting: table.key=value.")] = None,
    devices: Annotated[int, typer.Option(min=1, help="Processes on each machine, which share each batch.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines; see docs/training.md.")] = 1,
) -> None:
    """Train a network as a config says (needs the train extra)."""
    _need_train_extra()
    from dicface.config import read_config
    from dicface.training.fit import Machines, fit

    out = out or Path("runs") / config.stem
    weights = fit(read_config(config, settings or []), data, validation, out, resume, Machines(devices, nodes))
    typer.echo(f"wrote {weights}")


@app.command()
def export(
    weights: Annotated[Path, typer.Argument(help="Weights (.safetensors), a run's folder or its checkpoint.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The ONNX file.")],
    data: Annotated[Path | None, typer.Option(help="Face pack to compare on; generated pictures if left out.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a network as ONNX and compare it with torch (needs the train extra)."""
    _need_train_extra()
    from dicface.checkpoints import load_run
    from dicface.export import comparison_crops, comparison_faces, export_checked, export_landmarks_checked
    from dicface.networks.dic import DICNetwork

    _check_free(out, overwrite)
    network, faces = load_run(weights), comparison_faces(data)
    if isinstance(network, DICNetwork):
        result = export_checked(network, out, comparison_crops(network, faces))
        differs = f"on {result.faces} faces", f"{result.sr:.1e} (images) and {result.heatmaps:.1e} (heatmaps)"
    else:
        differs = f"on {len(faces)} faces", f"{export_landmarks_checked(network, out, faces):.1e} (heatmaps)"
    typer.echo(f"wrote {out}; {differs[0]} it differs from torch by at most {differs[1]}")


@app.command()
def convert(
    checkpoint: Annotated[Path, typer.Argument(help="A .pth file of the DIC authors or of mmagic.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .safetensors file.")],
    steps: Annotated[int, typer.Option(min=1, help="Steps T of a DIC network; weights do not tell.")] = 4,
    overwrite: Overwrite = False,
) -> None:
    """Turn the authors' or mmagic's checkpoints into ours (needs the train extra)."""
    _need_train_extra()
    from dicface.foreign.convert import convert as convert_checkpoint

    if out.suffix != ".safetensors":
        raise UsageError(f"expected an output ending in .safetensors, got {out.name!r}")
    _check_free(out, overwrite)
    typer.echo(_one_line(f"wrote {out}: {convert_checkpoint(checkpoint, out, steps)}"))


@app.command()
def evaluate(
    data: Annotated[Path, typer.Argument(help="Face pack, or folder of high-resolution faces.")],
    model: Contender = "lite",
    against: Annotated[str | None, typer.Option(help="Another of these, compared face by face.")] = None,
    lr_size: Annotated[str, typer.Option(help="Side of the low-resolution crop, or a list: 8,16,32.")] = "16",
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many faces from the start.")] = None,
    backend: Backend = "auto",
    consistent: Annotated[
        bool, typer.Option("--consistent", help="Make results reduce to their input exactly; --against stays as it is.")
    ] = False,
    identity: Annotated[bool, typer.Option("--identity", help="Also compare people by face features.")] = False,
    features: Annotated[str, typer.Option(help="Face features for --identity: embedded, or weights.")] = "features",
    protocol: Annotated[list[str] | None, typer.Option(help="Instead of all three; repeatable.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object (a list for several sizes).")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write the numbers of each face to this file.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page with tables and faces to this folder.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Measure images, landmarks and consistency against the truth, bicubic beside it (needs the train extra)."""
    _need_train_extra()
    from dicface.data.references import read_references
    from dicface.evaluation.identity import Recogniser
    from dicface.evaluation.measure import check_contenders, measure
    from dicface.evaluation.protocols import PROTOCOLS, protocols_by_name
    from dicface.evaluation.report import REPORT_FILES, write_report
    from dicface.evaluation.scores import Judges
    from dicface.evaluation.tables import on_screen, result_grids, write_faces_csv
    from dicface.files import real_path
    from dicface.runtime.consistent import Consistent
    from dicface.runtime.landmarks import LandmarkModel
    from dicface.runtime.open import open_model

    sizes = _parse_sizes(lr_size)
    protocols = protocols_by_name(protocol) if protocol else PROTOCOLS
    if report is not None and report.exists() and not report.is_dir():
        raise UsageError(f"expected --report to name a folder, {str(report)!r} is a file")
    for out in (*([] if csv is None else [csv]), *([] if report is None else [report / name for name in REPORT_FILES])):
        _check_free(out, overwrite)
        if out.exists() and real_path(out) in {
            real_path(Path(given)) for given in (data, model, against or "", features)
        }:
            raise UsageError(f"expected a file of its own for the result, {str(out)!r} is what is measured")
    network = open_model(model, backend)
    network = Consistent(network) if consistent else network
    other = None if against is None else open_model(against, backend)
    for size in sizes:
        check_contenders(network, other, size)
    recogniser = Recogniser(features) if identity else None
    references, left_out = read_references(data, limit)
    for image in left_out:
        _say(f"{image.path}: {image.error}")
    judges = Judges(references, LandmarkModel(), recogniser)
    measured = [measure(network, references, size, judges, other, protocols) for size in sizes]
    summaries = [one.summary() for one in measured]
    if csv is not None:
        write_faces_csv(csv, measured)
    if report is not None:
        write_report(report, measured, [network, *([] if other is None else [other])])
    if as_json:
        typer.echo(json.dumps(summaries if len(summaries) > 1 else summaries[0], indent=2))
    else:
        for one in measured:
            for grid in result_grids(one):
                Console().print(on_screen(grid))
    if left_out:
        raise typer.Exit(SOME_FAILED)


def _parse_sizes(text: str) -> list[int]:
    try:
        return list(dict.fromkeys(int(size) for size in text.split(",")))
    except ValueError as error:
        raise UsageError(f"expected --lr-size as whole numbers with commas between, got {text!r}") from error


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
    upload_mb: Annotated[int, typer.Option(min=1, help="Largest file that may be uploaded, in megabytes.")] = 32,
    waiting: Annotated[int, typer.Option(min=1, help="How many requests may wait for their turn.")] = 16,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds that one photo may take.")] = 120,
    keep: Annotated[int, typer.Option(min=10, help="Seconds after which uploads and results are deleted.")] = 900,
) -> None:
    """Serve the web page on this machine (needs the web extra)."""
    if find_spec("gradio") is None:
        raise UsageError("this command needs the web extra; pip install 'dicface[web]'")
    from dicface.web.serve import Limits
    from dicface.web.serve import serve as serve_page

    typer.echo(f"http://{host}:{port} (Ctrl+C ends it)")
    serve_page(host, port, Limits(upload_mb, waiting, time_limit, keep))


@app.command()
def benchmark(
    model: Annotated[list[str] | None, typer.Option(help="An embedded model or a model file; repeatable. All.")] = None,
    batch: Annotated[str, typer.Option(help="Faces at a time, or a list: 1,8.")] = "1,8",
    data: Annotated[Path | None, typer.Option(help="Face pack for the PSNR; generated pictures if left out.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measure everything that often; the best counts.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this JSON file.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Measure the models on this machine: every backend, precision and batch size that is installed."""
    from dicface.benchmark.cases import embedded, list_cases
    from dicface.benchmark.faces import benchmark_faces
    from dicface.benchmark.run import result_table, run_cases, this_machine
    from dicface.files import write_json
    from dicface.runtime.models import embedded_models

    if json_file is not None:
        _check_free(json_file, overwrite)
    try:
        batches = {int(size) for size in batch.split(",")}
    except ValueError as error:
        raise UsageError(f"expected --batch as whole numbers with commas between, got {batch!r}") from error
    if min(batches) < 1:
        raise UsageError(f"expected --batch from 1 up, got {batch!r}")
    if data is not None and find_spec("pyarrow") is None:
        raise UsageError("reading a pack needs the training extra; pip install 'dicface[train]', or leave out --data")
    machine = this_machine()
    cases = list_cases([embedded(name) for name in model or embedded_models()], machine, batches)
    if data is None:
        _say("no --data: PSNR is that of generated pictures, which says little about faces")
    faces = benchmark_faces(data)
    with _errors.status("") as status:
        result = run_cases(cases, machine, faces, rounds, lambda text: status.update(f"measuring {_one_line(text)}"))
    result["data"] = None if data is None else data.name
    Console().print(result_table(result))
    if json_file is not None:
        write_json(json_file, result)


def _check_free(out: Path, overwrite: bool) -> None:
    if out.is_dir():
        raise UsageError(f"expected a file name to write to, {str(out)!r} is a folder")
    if out.exists() and not overwrite:
        raise UsageError(f"{str(out)!r} exists; add --overwrite to replace it, or choose another output")


def _need_train_extra(*modules: str) -> None:
    if any(find_spec(name) is None for name in modules or ("torch", "lightning", "pyarrow", "safetensors")):
        raise UsageError("this command needs the training extra; pip install 'dicface[train]'")
