"""What `dicface prepare` makes of photos with hand-made landmarks, and what its limits for near duplicates find.

    python -m experiments.prepare PHOTOS [--unlike PACK] [--min-crop PX]

PHOTOS is a folder of photos with a `.pts` file each. First they are prepared with the network's landmarks: of the
annotated faces, how many are in the pack (recall), why the others are not, and how far the landmarks lie from the
hand-made ones. Then each photo is copied in several ways (saved smaller, scaled, its edges cut off, mirrored), and the
copies are prepared together with the photos: how many of their faces are known as repetitions. `--unlike` counts the
pairs of a pack's faces, all different pictures but for a few, that are near to each other.
"""

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dicface.data.packs import read_pack
from dicface.evaluation.measure import landmark_errors
from dicface.evaluation.metrics import nrmse
from dicface.evaluation.statistics import bootstrap_interval
from dicface.faces.geometry import Box, Square, intersection_over_union, landmark_box, square_of_landmarks, to_photo
from dicface.images.photo import read_photo
from dicface.images.pixels import FACE_PX
from dicface.preparation.annotations import read_pts
from dicface.preparation.assignment import Selection
from dicface.preparation.cutting import Recipe
from dicface.preparation.duplicates import ALIKE_BITS, SAME_BITS, differing_bits, face_hashes
from dicface.preparation.prepare import Preparation, list_photos, prepare
from dicface.preparation.results import Results
from experiments.people import PHOTO_OVERLAP

COPIES = ("JPEG 50", "half size", "3/4 size", "crop 3 %", "crop 3 % and JPEG 50", "brighter", "mirrored")


def prepared(photos: Path, folder: Path, recipe: Recipe, selection: Selection) -> Results:
    """Prepare a folder of photos into another folder, with every list."""
    results = Results(folder / "faces.parquet", folder / "skipped.csv", faces=folder / "faces.csv", overwrite=True)
    prepare(list_photos([photos], results), results, Preparation(recipe, selection), part_photos=len(COPIES) * 10)
    return results


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def faces_kept(results: Results) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Photo and landmarks in its pixels of every face in the pack."""
    assert results.faces is not None
    _, landmarks = read_pack(results.target).nominal()
    for row, points in zip(rows(results.faces), landmarks, strict=True):
        yield row["photo"], to_photo(points, Square(int(row["left"]), int(row["top"]), int(row["side"])))


def recall(photos: Path, min_crop: int) -> dict[str, Any]:
    """How many annotated faces come out, and how well landmarked."""
    with tempfile.TemporaryDirectory() as name:
        # A photo that is there twice is to be found twice.
        results = prepared(photos, Path(name), Recipe(min_crop=min_crop), Selection(keep_duplicates=True))
        kept, skipped = list(faces_kept(results)), rows(results.skipped)
    wanted = {path.with_suffix(".jpg").name: read_pts(path) for path in sorted(photos.glob("*.pts"))}
    found: list[tuple[NDArray[np.floating], NDArray[np.floating]]] = []
    reasons: Counter[str] = Counter()
    large = 0
    for photo, points in wanted.items():
        box = landmark_box(points)
        if square_of_landmarks(points).side < min_crop:
            reasons["smaller by its hand-made landmarks"] += 1
            continue
        large += 1
        hits = [
            seen for other, seen in kept if other == photo and overlaps(landmark_box(seen), box)
        ]  # fmt: skip
        if hits:
            found.append((hits[0], points))
            continue
        left_out = [row for row in skipped if row["photo"] == photo and row["left"] and overlaps(box_of(row), box)]
        reasons[left_out[0]["reason"] if left_out else "no face found"] += 1
    seen, by_hand = (np.stack(points) for points in zip(*found, strict=True))
    each = nrmse(seen, by_hand, "inter_ocular")
    return {
        "photos": len(wanted),
        "annotated_faces_large_enough": large,
        "in_the_pack": len(found),
        "not_in_the_pack": dict(reasons),
        "further_faces_in_the_pack": len(kept) - len(found),
        "nrmse": landmark_errors(seen, by_hand),
        "inter_ocular_ci95": bootstrap_interval(each),
        "worst": float(each.max()),
    }


def box_of(row: dict[str, str]) -> Box:
    """The box of a line of the list of what was skipped."""
    return Box(*(float(row[edge]) for edge in ("left", "top", "right", "bottom")))


def overlaps(one: Box, other: Box) -> bool:
    """Whether two boxes are about one face."""
    return intersection_over_union(one, other) > PHOTO_OVERLAP


def copy_of(photo: Image.Image, kind: str) -> Image.Image:
    """A copy of a photo, changed as copies often are: brighter, mirrored, smaller or cropped."""
    width, height = photo.size
    if kind == "brighter":
        return photo.point([min(255, round(value * 1.2)) for value in range(256)] * 3)
    if kind == "mirrored":
        return ImageOps.mirror(photo)
    if "size" in kind:
        factor = 0.5 if kind == "half size" else 0.75
        return photo.resize((round(width * factor), round(height * factor)), Image.Resampling.LANCZOS)
    if "crop" in kind:
        photo = photo.crop((round(0.03 * width), round(0.02 * height), round(0.98 * width), round(0.97 * height)))
    if "JPEG" in kind:
        file = io.BytesIO()
        photo.save(file, "JPEG", quality=50)
        return Image.open(file).convert("RGB")
    return photo


def repetitions(photos: Path, min_crop: int) -> dict[str, str]:
    """Number of copied faces that are recognised as near duplicates, out of those that were found, by kind of copy."""
    counts = {kind: [0, 0] for kind in COPIES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        for path in sorted(photos.glob("*.jpg")):
            image = Image.fromarray(read_photo(path).pixels)
            image.save(folder / f"{path.stem}.0.png")
            for kind in COPIES:
                copy_of(image, kind).save(folder / f"{path.stem}.{kind.replace('/', ' of ')}.png")
        both = prepared(folder, Path(name), Recipe(min_crop=min_crop), Selection())
        assert both.faces is not None
        originals = {row["photo"] for row in rows(both.faces) if row["photo"].endswith(".0.png")}
        originals |= {row["photo"] for row in rows(both.skipped) if row["reason"] == "nearly a duplicate"}
        stems = {photo.split(".")[0] for photo in originals if photo.endswith(".0.png")}
        for row in [*rows(both.faces), *rows(both.skipped)]:
            stem, kind = row["photo"].split(".")[:2]
            kind = kind.replace(" of ", "/")
            repeated = row.get("reason") == "nearly a duplicate"
            if stem in stems and kind in counts and (repeated or "reason" not in row):
                counts[kind][0] += repeated
                counts[kind][1] += 1
    return {kind: f"{known} of {faces}" for kind, (known, faces) in counts.items()}


def near_pairs(path: Path) -> dict[str, int]:
    """How many pairs of a pack's faces are within each limit."""
    hr, _ = read_pack(path).nominal()
    hashes = np.stack([face_hashes(face) for face in hr])
    bits = differing_bits(hashes, hashes)[np.triu_indices(len(hr), 1)]
    nearest = {f"nearest {number}": int(value) for number, value in enumerate(np.sort(bits)[:8], 1)}
    return {
        "faces": len(hr),
        "same": int((bits <= SAME_BITS).sum()),
        "alike": int((bits <= ALIKE_BITS).sum()),
    } | nearest


def main(
    photos: Annotated[Path, typer.Argument(help="Folder of photos with .pts files.")],
    unlike: Annotated[Path | None, typer.Option(help="Face pack whose near pairs are counted.")] = None,
    min_crop: Annotated[int, typer.Option(help="As of `dicface prepare`.")] = FACE_PX,
) -> None:
    """Print one JSON object."""
    result: dict[str, Any] = {"data": photos.name, "min_crop_px": min_crop, "faces": recall(photos, min_crop)}
    result["repetitions_known"] = repetitions(photos, min_crop)
    if unlike is not None:
        result["pairs"] = near_pairs(unlike)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    typer.run(main)
