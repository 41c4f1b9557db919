"""A sheet of faces in photos to look at: plain enlargement, restored, truth.

    python -m experiments.photo_sheet PHOTOS sheet.jpg

PHOTOS is a folder of photos with a `.pts` file each. A photo is shrunk until its annotated face has a given width, and
restored by the whole pipeline, as by `dicface restore`, until that face is 192 px wide. Each row is a width, with
several photos of a face of 192 px or more, spread evenly over the folder.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from dicface import Restorer
from dicface.faces.geometry import Square, cut, landmark_box
from dicface.images.pixels import resize
from experiments.photos import ShrunkPhoto, shrunk_photos

SHOWN_PX = 192
"""Width of a face in the sheet."""
CELL_PX = 288
GAP = 6


def pictures(restorer: Restorer, photo: ShrunkPhoto, width_px: float) -> NDArray[np.uint8]:
    """The face plainly enlarged, restored, and before shrinking, side by side: (288, 876, 3) uint8."""
    scale = SHOWN_PX / width_px
    restored = restorer.restore(photo.pixels, scale=scale).image
    height, width = restored.shape[:2]
    plain, truth = resize(photo.pixels, (width, height)), resize(photo.original, (width, height))
    box = landmark_box(photo.landmarks)
    middle_x, middle_y = (box.left + box.right) / 2 * scale, (box.top + box.bottom) / 2 * scale
    square = Square(round(middle_x - CELL_PX / 2), round(middle_y - CELL_PX / 2), CELL_PX)
    gap = np.full((CELL_PX, GAP, 3), 255, np.uint8)
    return np.concatenate([cut(plain, square), gap, cut(restored, square), gap, cut(truth, square)], axis=1)


def main(
    photos: Annotated[Path, typer.Argument(help="Folder of photos with .pts files.")],
    out: Annotated[Path, typer.Argument(help="The picture.")],
    *,
    model: Annotated[str, typer.Option(help="Embedded model or file.")] = "lite",
    widths: Annotated[str, typer.Option(help="Widths of the faces in pixels.")] = "48,64,96,128",
    faces: Annotated[int, typer.Option(min=1, help="Photos in each row.")] = 2,
) -> None:
    """Draw the sheet."""
    restorer = Restorer(model, backend="onnxruntime")
    wanted = [float(width) for width in widths.split(",")]
    sharp = [photo.name for photo in shrunk_photos(photos, SHOWN_PX)]
    chosen = np.linspace(0, len(sharp) - 1, faces * len(wanted)).round().astype(int)
    rows: list[NDArray[np.uint8]] = []
    for row, width_px in enumerate(wanted):
        names = [sharp[number] for number in chosen[row * faces : (row + 1) * faces]]
        shrunk = [photo for photo in shrunk_photos(photos, width_px) if photo.name in names]
        wide = np.full((CELL_PX, 4 * GAP, 3), 255, np.uint8)
        cells = [part for photo in shrunk for part in (pictures(restorer, photo, width_px), wide)][:-1]
        rows += [np.concatenate(cells, axis=1), np.full((GAP, sum(part.shape[1] for part in cells), 3), 255, np.uint8)]
        print(f"{width_px:g} px: {', '.join(names)}")
    Image.fromarray(np.concatenate(rows[:-1])).save(out, quality=88)


if __name__ == "__main__":
    typer.run(main)
