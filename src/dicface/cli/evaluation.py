"""Commands that measure: evaluate, benchmark."""

import json
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dicface.cli.messages import errors, one_line, say
from dicface.cli.options import (
    FACES,
    MEASURES,
    MODEL,
    OUTPUT,
    BackendOption,
    MeasuredSharpnessOption,
    Overwrite,
    ProviderOption,
    UpscalerOption,
)
from dicface.cli.terminal import SOME_FAILED, check_free, in_options, need_train_extra
from dicface.errors import UsageError

if TYPE_CHECKING:
    from dicface.evaluation.perceptual import PerceptualDistance


def evaluate(
    data: Annotated[Path, typer.Argument(readable=False, help="Face pack, or folder of high-resolution faces.")],
    *,
    model: UpscalerOption = "lite",
    against: Annotated[
        str | None, typer.Option(help="Another model or file, compared face by face.", rich_help_panel=MODEL)
    ] = None,
    sharpness: MeasuredSharpnessOption = 0,
    lr_size: Annotated[
        str, typer.Option(help="Side of the low-resolution crop, or a list: 8,16,32.", rich_help_panel=FACES)
    ] = "16",
    damage: Annotated[
        list[str] | None,
        typer.Option(
            help="Damage the crops first: jpeg75, or in this order noise10,jpeg75; repeatable.", rich_help_panel=FACES
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Number of faces, from the start.", rich_help_panel=FACES)
    ] = None,
    backend: BackendOption = "auto",
    provider: ProviderOption = "auto",
    consistent: Annotated[
        bool,
        typer.Option(
            "--consistent",
            help="Project results so that they reduce to their input exactly; not those of --against.",
            rich_help_panel=MODEL,
        ),
    ] = False,
    identity: Annotated[
        bool,
        typer.Option("--identity", help="Also measure identity similarity.", rich_help_panel=MEASURES),
    ] = False,
    features: Annotated[
        str, typer.Option(help="Face features for --identity: an embedded model, or weights.", rich_help_panel=MEASURES)
    ] = "features",
    lpips: Annotated[
        list[Path] | None,
        typer.Option(
            readable=False,
            metavar="WEIGHTS",
            help="Also measure LPIPS: give it twice, with torchvision's AlexNet and with its linear layers.",
            rich_help_panel=MEASURES,
        ),
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure by this protocol instead of all three; repeatable.",
            metavar="y-crop8|rgb-crop8|y",
            rich_help_panel=MEASURES,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object (a list for several).", rich_help_panel=OUTPUT)
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(readable=False, help="Write the numbers of each face to this file.", rich_help_panel=OUTPUT),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(readable=False, help="Write a page with tables and faces to this folder.", rich_help_panel=OUTPUT),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Measure images, landmarks and consistency on reference faces, bicubic beside them (needs the train extra)."""
    need_train_extra()
    # Torch takes seconds to import, so the arguments are checked and the faces are read before.
    sizes = _parse_sizes(lr_size)
    weights = _two_files(lpips)
    given = [*(Path(one) for one in (str(data), model, against or "", features)), *(weights or ())]
    _check_results(csv, report, overwrite=overwrite, given=given)
    from dicface.data.references import read_references
    from dicface.evaluation.damage import parse_damage
    from dicface.evaluation.protocols import PROTOCOLS, protocols_by_name
    from dicface.runtime.consistency import DataConsistency
    from dicface.runtime.models import find_model
    from dicface.runtime.upscalers import check_upscalers, open_models

    damages = list(dict.fromkeys(parse_damage(text).name for text in damage or [""]))
    protocols = protocols_by_name(protocol) if protocol else PROTOCOLS
    names = [model] if against is None else [model, against]
    network, *others = open_models(names, backend, provider=provider, sharpness=sharpness)
    other = others[0] if others else None
    face_px = max(network.face_px, 0 if other is None else other.face_px)
    network = DataConsistency(network) if consistent else network
    for size in sizes:
        check_upscalers(network, other, size)
    if identity:
        find_model(features, ".safetensors", "features")
    references, left_out = read_references(data, limit, face_px=face_px)
    for image in left_out:
        say(f"{image.path}: {in_options(image.error)}")

    from dicface.evaluation.measure import measure
    from dicface.evaluation.report import write_report
    from dicface.evaluation.scores import Judges
    from dicface.evaluation.summary import summary
    from dicface.evaluation.tables import on_screen, result_grids, write_faces_csv
    from dicface.runtime.landmark_model import LandmarkModel

    recogniser = None
    if identity:
        from dicface.evaluation.identity import Recogniser

        recogniser = Recogniser(features)
    perceptual = None if weights is None else _open_lpips(*weights)
    judges = Judges(references, LandmarkModel(provider=provider), recogniser, perceptual=perceptual)
    measured = [
        measure(network, references, size, judges, other, protocols, damage=name) for name in damages for size in sizes
    ]
    if csv is not None:
        write_faces_csv(csv, measured)
    if report is not None:
        write_report(report, measured, [network, *([] if other is None else [other])])
    if as_json:
        summaries = [summary(one) for one in measured]
        typer.echo(json.dumps(summaries if len(summaries) > 1 else summaries[0], indent=2))
    else:
        for one in measured:
            for grid in result_grids(one):
                Console().print(on_screen(grid))
    if left_out:
        raise typer.Exit(SOME_FAILED)


def _check_results(csv: Path | None, report: Path | None, *, overwrite: bool, given: list[Path]) -> None:
    """Refuse files of results that exist, or that are among what is measured."""
    from dicface.files import real_path

    results = [] if csv is None else [csv]
    if report is not None:
        if report.exists() and not report.is_dir():
            raise UsageError(f"expected --report to name a folder, {str(report)!r} is a file")
        from dicface.evaluation.report import REPORT_FILES

        results += [report / name for name in REPORT_FILES]
    for out in results:
        check_free(out, overwrite=overwrite, inputs={real_path(path) for path in given})


def _two_files(lpips: list[Path] | None) -> tuple[Path, Path] | None:
    """The files of --lpips; None if it is not given."""
    if not lpips:
        return None
    for path in lpips:
        if not path.is_file():
            got = "a folder" if path.is_dir() else "no such file"
            raise UsageError(f"expected --lpips to name a file of weights, got {got}, {str(path)!r}")
    if len(lpips) != 2:
        raise UsageError(
            "expected --lpips twice, with torchvision's AlexNet (alexnet-owt-7be5be79.pth) and with the linear layers "
            f"of LPIPS for it (weights/v0.1/alex.pth), got {' and '.join(map(str, lpips))}; give both files"
        )
    return lpips[0], lpips[1]


def _open_lpips(one: Path, other: Path) -> "PerceptualDistance":
    from dicface.evaluation.perceptual import PerceptualDistance

    return PerceptualDistance(one, other)


def _parse_sizes(text: str) -> list[int]:
    try:
        return list(dict.fromkeys(int(size) for size in text.split(",")))
    except ValueError as error:
        raise UsageError(f"expected --lr-size as whole numbers with commas between, got {text!r}") from error


def benchmark(
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model by name or file; repeatable. All if left out."),
    ] = None,
    batch: Annotated[str, typer.Option(help="Faces at a time, or a list: 1,8.")] = "1,8",
    data: Annotated[
        Path | None, typer.Option(readable=False, help="Face pack for the PSNR; generated pictures if left out.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Number of measurements of each case; the best counts.")] = 1,
    reference: Annotated[
        bool,
        typer.Option(
            "--reference", help="Also measure the network of the authors' sizes; others are compared with it."
        ),
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", readable=False, help="Write the numbers to this JSON file.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Measure the models on this machine: every backend, precision and batch size that is installed."""
    from dicface.benchmark.cases import embedded, embedded_names, list_cases
    from dicface.benchmark.run import REFERENCE, benchmark_faces, result_table, run_cases, this_machine
    from dicface.files import write_json

    if json_file is not None:
        check_free(json_file, overwrite=overwrite)
    try:
        batches = {int(size) for size in batch.split(",")}
    except ValueError as error:
        raise UsageError(f"expected --batch as whole numbers with commas between, got {batch!r}") from error
    if min(batches) < 1:
        raise UsageError(f"expected --batch from 1 up, got {batch!r}")
    if data is not None and find_spec("pyarrow") is None:
        raise UsageError("reading a pack needs the training extra; pip install 'dicface[train]', or leave out --data")
    if reference:
        need_train_extra()
    models = [embedded(name) for name in model or embedded_names()]
    machine = this_machine()
    if data is None:
        say("no --data: PSNR is that of generated pictures, which says little about faces")
    faces = benchmark_faces(data)
    with tempfile.TemporaryDirectory() as folder, errors.status("") as status:
        cases = list_cases(models, machine, batches)
        if reference:
            from dicface.benchmark.reference import reference_cases

            others = [case for case in cases if case.model.name != REFERENCE[0]]
            cases = [*reference_cases(Path(folder), machine), *others]
        result = run_cases(cases, machine, faces, rounds, lambda text: status.update(f"measuring {one_line(text)}"))
    result["data"] = None if data is None else data.name
    if result["rows"]:
        Console().print(result_table(result))
    if json_file is not None:
        write_json(json_file, result)
    for failure in result["failures"]:
        say(failure)
    if result["failures"]:
        raise typer.Exit(SOME_FAILED)
