"""Commands about face packs: prepare."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from dicface.cli.messages import Messages
from dicface.cli.options import BATCH, FACES, OUTPUT, SPLIT, DetectorOption, FilesFrom, LogJson, Overwrite, Quiet
from dicface.cli.piping import listed
from dicface.cli.terminal import SOME_FAILED, in_options, need_train_extra

CropFormat = Literal["webp", "webp-lossless", "png", "jpeg"]


def prepare(
    photos: Annotated[list[Path] | None, typer.Argument(readable=False, help="Photos, or folders of photos.")] = None,
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", readable=False, help="The face pack, DATA.parquet.", rich_help_panel=OUTPUT)
    ],
    landmarks: Annotated[
        str,
        typer.Option(
            help="Source of landmarks: network (detect faces), pts (beside the photos), a folder of .pts files, a "
            "pickle of the DIC authors, or one of CelebA's lists of landmarks or boxes.",
            rich_help_panel=FACES,
        ),
    ] = "network",
    enlargement: Annotated[
        float, typer.Option(help="Margin of the crop, as a share of the landmarks' square.", rich_help_panel=FACES)
    ] = 0.3,
    size: Annotated[
        int, typer.Option(help="Side of the stored image; its central 128 px are the crop.", rich_help_panel=FACES)
    ] = 144,
    image_format: Annotated[
        CropFormat, typer.Option("--format", help="Format of the stored images.", rich_help_panel=OUTPUT)
    ] = "webp",
    quality: Annotated[int, typer.Option(help="Quality of webp and jpeg, 1 to 100.", rich_help_panel=OUTPUT)] = 90,
    min_crop: Annotated[
        int, typer.Option(help="Skip faces with smaller crops, in pixels of the photo.", rich_help_panel=FACES)
    ] = 128,
    max_outside: Annotated[
        float, typer.Option(help="Share of the crop that may lie beyond the photo.", rich_help_panel=FACES)
    ] = 0.1,
    min_confidence: Annotated[
        float,
        typer.Option(
            "--min-peak", help="Skip faces whose mean landmark confidence is lower, 0 to 1.", rich_help_panel=FACES
        ),
    ] = 0.6,
    keep_duplicates: Annotated[
        bool, typer.Option("--keep-duplicates", help="Keep near duplicates, too.", rich_help_panel=FACES)
    ] = False,
    identities: Annotated[
        Path | None,
        typer.Option(readable=False, help="List of photos and identities (CelebA's).", rich_help_panel=SPLIT),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="identity, file or a partition list (CelebA's): several packs, DATA-train...", rich_help_panel=SPLIT
        ),
    ] = None,
    val_share: Annotated[
        float, typer.Option(help="Share of faces for validation, with --split identity or file.", rich_help_panel=SPLIT)
    ] = 0.1,
    test_share: Annotated[
        float, typer.Option(help="Share of faces for tests, with --split identity or file.", rich_help_panel=SPLIT)
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split.", rich_help_panel=SPLIT)] = 0,
    source: Annotated[
        str | None, typer.Option(help="Name of the data, DATA if left out; keys begin with it.", rich_help_panel=OUTPUT)
    ] = None,
    skipped: Annotated[
        Path | None,
        typer.Option(
            readable=False, help="List of skipped faces; DATA.skipped.csv if left out.", rich_help_panel=OUTPUT
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--contact-sheet", readable=False, help="Draw the kept faces as one picture.", rich_help_panel=OUTPUT
        ),
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            help="CSV of where each kept face was cut out, and its landmark confidence.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    detector: DetectorOption = "face",
    max_megapixels: Annotated[
        float, typer.Option(min=0, max=178, help="Refuse larger photos.", rich_help_panel=BATCH)
    ] = 64,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; one for each core if left out.", rich_help_panel=BATCH)
    ] = None,
    files_from: FilesFrom = None,
    quiet: Quiet = False,
    log_json: LogJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Cut the faces out of photos, find their landmarks, and write a face pack (needs the train extra)."""
    need_train_extra("pyarrow", "imagehash")
    from dicface.preparation.assignment import Selection
    from dicface.preparation.cutting import Recipe
    from dicface.preparation.prepare import Preparation, list_photos
    from dicface.preparation.prepare import prepare as prepare_pack
    from dicface.preparation.results import Results
    from dicface.preparation.splits import Shares
    from dicface.runtime.parallel import usable_cores

    messages = Messages(quiet=quiet, log_json=log_json)
    recipe = Recipe(
        enlargement, size, min_crop, max_outside, min_confidence, image_format, quality, detector, max_megapixels
    )  # fmt: skip
    selection = Selection(source or out.stem, keep_duplicates, identities, split, Shares(val_share, test_share), seed)
    results = Results(out, skipped or out.with_suffix(".skipped.csv"), selection.splits, sheet, faces, overwrite)
    inputs = list_photos(listed(photos, files_from), results, messages.note)
    preparation = Preparation(recipe, selection, landmarks)
    with messages.progress("photos", len(inputs)) as advance:
        written = prepare_pack(inputs, results, preparation, jobs or usable_cores(), advance)
    for failure in written.failures:
        error = in_options(failure.detail)
        messages.failed(f"{failure.photo}: {error}", input=failure.photo, error=error)
    for pack, count in written.faces.items():
        messages.done(f"wrote {pack}: {count} faces", event="wrote", output=str(pack), faces=count)
    reasons = ", ".join(f"{count} {reason}" for reason, count in written.reasons.most_common())
    counts = {str(reason): count for reason, count in written.reasons.items()}
    where = f" -> {results.skipped}" if written.lists else ""
    messages.done(f"skipped: {reasons or 'nothing'}{where}", event="skipped", reasons=counts)
    if not written.faces:
        messages.failed(f"none of {len(inputs)} photos gave a face to keep, so no pack was written", event="stopped")
        raise typer.Exit(SOME_FAILED)
    if written.failures:
        raise typer.Exit(SOME_FAILED)
