"""How well the landmark network for sharp faces agrees with hand-made landmarks on photos.

    python -m experiments.landmarks PHOTOS [--model NAME_OR_FILE]

PHOTOS is a folder of photos with a `.pts` file each. The face is looked for by dlib, cut out by its box, and cut out
again by the landmarks found (`found`); `known box` starts from the box of the hand-made landmarks instead. Reported is
the normalised error (root mean square over the landmarks) by face width, outer-eye and inter-ocular distance, with a
95 % bootstrap interval of the last, and the mean distance by inter-ocular distance, which other works report.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from dicface.evaluation.measure import landmark_errors
from dicface.evaluation.metrics import nrmse
from dicface.evaluation.statistics import bootstrap_interval
from dicface.faces.detection import make_detector
from dicface.faces.geometry import intersection_over_union, landmark_box
from dicface.faces.landmarks import locate
from dicface.images.photo import read_photo
from dicface.preparation.annotations import read_pts
from dicface.runtime.landmark_model import LANDMARK_MODEL, LandmarkModel
from experiments.people import PHOTO_OVERLAP

MIN_WIDTH_PX = 100


def mean_distance(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean distance of each face's landmarks by the distance between the centres of its eyes."""
    eyes = wanted[:, 36:42].mean(axis=1) - wanted[:, 42:48].mean(axis=1)
    return np.linalg.norm(found - wanted, axis=2).mean(axis=1) / np.linalg.norm(eyes, axis=1)


def main(
    photos: Annotated[Path, typer.Argument(help="Folder of photos with .pts files.")],
    model: Annotated[str, typer.Option(help="Landmark model.")] = LANDMARK_MODEL,
) -> None:
    """Print one JSON object."""
    network, detect = LandmarkModel(model), make_detector("dlib-fast")
    pairs: dict[str, list[tuple[NDArray[np.floating], NDArray[np.floating]]]] = {"found": [], "known box": []}
    small, missed = 0, 0
    for annotation in sorted(photos.glob("*.pts")):
        pixels, wanted = read_photo(annotation.with_suffix(".jpg")).pixels, read_pts(annotation)
        box = landmark_box(wanted)
        if box.right - box.left < MIN_WIDTH_PX:
            small += 1
            continue
        pairs["known box"].append((locate(network, pixels, box).points, wanted))
        hits = [d.box for d in detect(pixels) if intersection_over_union(d.box, box) > PHOTO_OVERLAP]
        missed += not hits
        if hits:
            pairs["found"].append((locate(network, pixels, hits[0]).points, wanted))
    result: dict[str, object] = {"data": photos.name, "face_px_from": MIN_WIDTH_PX, "smaller": small, "missed": missed}
    for start, faces in pairs.items():
        found, wanted = (np.stack(points) for points in zip(*faces, strict=True))
        each = nrmse(found, wanted, "inter_ocular")
        result[start] = {
            "n": len(faces),
            "nrmse": landmark_errors(found, wanted),
            "inter_ocular_ci95": bootstrap_interval(each),
            "mean_distance_inter_ocular": float(mean_distance(found, wanted).mean()),
            "inter_ocular_median": float(np.median(each)),
            "worst": float(each.max()),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    typer.run(main)
