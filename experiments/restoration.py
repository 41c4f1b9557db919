"""What restoring gains on real photos, by size of the face and number of passes.

    python -m experiments.restoration PHOTOS

PHOTOS is a folder of photos with a `.pts` file each. A photo is shrunk until its annotated face has a given width and
restored (scale 4, faces too large for the model forced).
Reported over the photos whose face is detected:

- crop: overlap (intersection over union) of the restored crop with the crop of the hand-made landmarks;
- landmarks: mean distance from the hand-made ones, in per cent of the distance between the outer eye corners;
- gain: luma PSNR over the plain enlargement inside the landmarks' box, against the photo before shrinking, in dB with
  a 95 % bootstrap interval.
"""

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from dicface import Box, Outcome, Restorer
from dicface.evaluation.protocols import Y
from dicface.evaluation.statistics import bootstrap_interval
from dicface.faces.geometry import intersection_over_union, landmark_box, square_of_landmarks
from dicface.images.pixels import resize
from dicface.runtime.providers import BackendName
from experiments.people import PHOTO_OVERLAP
from experiments.photos import ShrunkPhoto, shrunk_photos

WIDTHS_PX = (12, 16, 20, 24, 32, 40, 48, 56, 64, 72)
SCALE = 4
OUTER_EYES = (36, 45)


def find_box(restorer: Restorer, photo: ShrunkPhoto) -> Box | None:
    """The detector's box for the annotated face, None if it missed it."""
    wanted = landmark_box(photo.landmarks)
    faces = restorer.faces(photo.pixels, force=True, passes=1)
    boxes = [face.box for face in faces if intersection_over_union(face.box, wanted) > PHOTO_OVERLAP]
    return boxes[0] if boxes else None


def face_psnr_db(image: NDArray[np.uint8], reference: NDArray[np.uint8], photo: ShrunkPhoto) -> float:
    """Luma PSNR inside the landmarks' box of the enlarged photo."""
    box = landmark_box(photo.landmarks)
    height, width = image.shape[:2]
    rows = slice(max(0, round(box.top * SCALE)), min(height, round(box.bottom * SCALE)))
    columns = slice(max(0, round(box.left * SCALE)), min(width, round(box.right * SCALE)))
    return float(Y.psnr(image[rows, columns][None], reference[rows, columns][None])[0])


def main(
    photos: Annotated[Path, typer.Argument(help="Folder of photos with .pts files.")],
    model: Annotated[str, typer.Option(help="Embedded model or file.")] = "lite",
    backend: Annotated[BackendName, typer.Option(help="See `dicface restore`.")] = "onnxruntime",
    sharpness: Annotated[float, typer.Option(min=0, max=1, help="See `dicface restore`.")] = 0,
) -> None:
    """Print the table."""
    restorer = Restorer(model, backend=backend, sharpness=sharpness)
    table = Table("face px", "crop px", "photos", "passes", "crop IoU", "landmarks %", "gain dB")
    for width_px in WIDTHS_PX:
        rows: defaultdict[int, list[tuple[float, float, float, float]]] = defaultdict(list)
        for photo in shrunk_photos(photos, width_px):
            box = find_box(restorer, photo)
            # An enlarged photo finer than the original has nothing to be compared with.
            if box is None or photo.pixels.shape[0] * SCALE > photo.original.shape[0]:
                continue
            size = (photo.pixels.shape[1] * SCALE, photo.pixels.shape[0] * SCALE)
            reference, plain = resize(photo.original, size), resize(photo.pixels, size)
            left, right = photo.landmarks[list(OUTER_EYES)]
            for passes in (1, 2, 3):
                result = restorer.restore(
                    photo.pixels, scale=SCALE, boxes=[box], only_boxes=True, force=True, passes=passes
                )
                (face,) = result.faces
                if face.outcome is not Outcome.RESTORED or face.landmarks is None:
                    continue
                away = np.linalg.norm(face.landmarks - photo.landmarks, axis=1).mean()
                gain_db = face_psnr_db(result.image, reference, photo) - face_psnr_db(plain, reference, photo)
                same = intersection_over_union(face.square.box, square_of_landmarks(photo.landmarks).box)
                rows[passes].append((face.square.side, same, away / np.linalg.norm(right - left) * 100, gain_db))
        for passes, values in rows.items():
            crop_px, same, away, gain = np.array(values).T
            low, high = bootstrap_interval(gain)
            cells = (f"{crop_px.mean():.0f}", str(len(gain)), str(passes), f"{same.mean():.3f}", f"{away.mean():.1f}")
            table.add_row(str(width_px), *cells, f"{gain.mean():+.2f} [{low:+.2f}, {high:+.2f}]")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
