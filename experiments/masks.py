"""A sheet of masks: plain enlargement, square mask, and outlines with soft edges of several widths.

    python -m experiments.masks examples/portrait.jpg masks.png --box 176,84,266,174 --side 22

The photo is reduced so that the face has the given side, and enlarged by 8 with the face restored.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from dicface.faces.geometry import Box
from dicface.images.draw import contact_sheet
from dicface.images.photo import Photo, read_photo, write_photo
from dicface.images.pixels import FACE_PX, resize
from dicface.restoration.mask import outline_mask, square_mask
from dicface.restoration.paste import match_colours, paste
from dicface.restoration.restorer import Restorer

WIDTHS = (0.05, 0.12, 0.22)
SCALE = 8
TILE_PX = 200


def main(
    photo: Annotated[Path, typer.Argument(help="A photo.")],
    out: Annotated[Path, typer.Argument(help="The sheet.")],
    box: Annotated[str, typer.Option(help="Its face, X0,Y0,X1,Y1 in pixels, brows to chin.")],
    side: Annotated[float, typer.Option(help="Longer side of the reduced face in pixels.")] = 22,
) -> None:
    """Write the sheet."""
    pixels = read_photo(photo).pixels
    edges = [float(edge) for edge in box.split(",")]
    factor = side / max(edges[2] - edges[0], edges[3] - edges[1])
    small = resize(pixels, (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor)))
    face = Restorer().faces(small, boxes=[Box(*(edge * factor for edge in edges))], only_boxes=True)[0]
    assert face.steps is not None
    assert face.landmarks is not None
    left, top, extent = face.square
    crop = small[top : top + extent, left : left + extent]
    restored = match_colours(face.steps[-1], crop)
    masks = {"square": square_mask()} | {
        f"outline, {width}": outline_mask(face.landmarks, face.square, soft_edge=width) for width in WIDTHS
    }
    masks = {"plain": np.zeros((FACE_PX, FACE_PX), np.float32), **masks}
    tiles: list[NDArray[np.uint8]] = []
    for mask in masks.values():
        canvas = resize(small, (SCALE * small.shape[1], SCALE * small.shape[0])).copy()
        paste(canvas, restored, face.square, (SCALE, SCALE), mask=mask)
        margin = round(extent * 0.15)
        shown = canvas[
            SCALE * max(0, top - margin) : SCALE * (top + extent + margin),
            SCALE * max(0, left - margin) : SCALE * (left + extent + margin),
        ]
        tiles.append(resize(shown, (TILE_PX, TILE_PX)))
    write_photo(out, Photo(contact_sheet(tiles, list(masks), columns=len(tiles))))


if __name__ == "__main__":
    typer.run(main)
