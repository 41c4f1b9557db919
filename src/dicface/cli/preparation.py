"""Commands about face packs: prepare."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from dicface.cli.options import BATCH, FACES, OUTPUT, SPLIT, DetectorOption, Overwrite
from dicface.cli.terminal import SOME_FAILED, in_options, need_train_extra, one_line, progress_bar, say

CropFormat = Literal["webp", "webp-lossless", "png", "jpeg"]


def prepare(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The face pack, DATA.parquet.", rich_help_panel=OUTPUT)],
    landmarks: Annotated[
        str,
        typer.Option(
            help="network (detect faces), pts (beside the photos), a folder of .pts files, a pickle of the DIC "
            "authors, or one of CelebA's lists of landmarks or boxes.",
            rich_help_panel=FACES,
        ),
    ] = "network",
    enlargement: Annotated[
        float, typer.Option(help="The crop is that much larger than the landmarks' square.", rich_help_panel=FACES)
    ] = 0.3,
    size: Annotated[
        int, typer.Option(help="Side of the stored image; its central 128 px are the crop.", rich_help_panel=FACES)
    ] = 144,
    image_format: Annotated[
        CropFormat, typer.Option("--format", help="Of the stored images.", rich_help_panel=OUTPUT)
    ] = "webp",
    quality: Annotated[int, typer.Option(help="Of webp and jpeg, 1 to 100.", rich_help_panel=OUTPUT)] = 90,
    min_crop: Annotated[
        int, typer.Option(help="Skip faces whose crop has fewer px a side in the photo.", rich_help_panel=FACES)
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
        bool, typer.Option("--keep-duplicates", help="Also near duplicates.", rich_help_panel=FACES)
    ] = False,
    identities: Annotated[
        Path | None, typer.Option(help="List of photos and identities (CelebA's).", rich_help_panel=SPLIT)
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="identity, file or a partition list (CelebA's): several packs, DATA-train...", rich_help_panel=SPLIT
        ),
    ] = None,
    val_share: Annotated[
        float, typer.Option(help="Of the faces, with --split identity or file.", rich_help_panel=SPLIT)
    ] = 0.1,
    test_share: Annotated[
        float, typer.Option(help="Of the faces, with --split identity or file.", rich_help_panel=SPLIT)
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the split.", rich_help_panel=SPLIT)] = 0,
    source: Annotated[
        str | None, typer.Option(help="Name of the data, DATA if left out; keys begin with it.", rich_help_panel=OUTPUT)
    ] = None,
    skipped: Annotated[
        Path | None, typer.Option(help="What was skipped and why; DATA.skipped.csv.", rich_help_panel=OUTPUT)
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option("--contact-sheet", help="Draw the faces kept.", rich_help_panel=OUTPUT)
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(
            help="CSV of where each kept face was cut out, and its landmark confidence.", rich_help_panel=OUTPUT
        ),
    ] = None,
    detector: DetectorOption = "face",
    max_megapixels: Annotated[
        float, typer.Option(min=0, max=178, help="Refuse larger photos.", rich_help_panel=BATCH)
    ] = 64,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; one for each core if left out.", rich_help_panel=BATCH)
    ] = None,
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

    recipe = Recipe(
        enlargement, size, min_crop, max_outside, min_confidence, image_format, quality, detector, max_megapixels
    )  # fmt: skip
    selection = Selection(source or out.stem, keep_duplicates, identities, split, Shares(val_share, test_share), seed)
    results = Results(out, skipped or out.with_suffix(".skipped.csv"), selection.splits, sheet, faces, overwrite)
    inputs = list_photos(photos, results)
    preparation = Preparation(recipe, selection, landmarks)
    with progress_bar("photos", len(inputs)) as advance:
        written = prepare_pack(inputs, results, preparation, jobs or usable_cores(), advance)
    for failure in written.failures:
        say(f"{failure.photo}: {in_options(failure.detail)}")
    for pack, count in written.faces.items():
        typer.echo(one_line(f"wrote {pack}: {count} faces"))
    reasons = ", ".join(f"{count} {reason}" for reason, count in written.reasons.most_common())
    typer.echo(one_line(f"skipped: {reasons or 'nothing'} -> {results.skipped}"))
    if not written.faces:
        say(f"none of {len(inputs)} photos gave a face to keep, so no pack was written")
        raise typer.Exit(SOME_FAILED)
    if written.failures:
        raise typer.Exit(SOME_FAILED)
