"""A strip of a clip before and after, and one line of a mouth over time.

    python -m experiments.video_strip examples/portrait.jpg docs/video.jpg

The portrait is reduced to a face of 22 px, nods a little for half of the clip, gets noise and goes through H.264. The
rows show the plain enlargement, each frame restored by itself, and the clip restored: five frames, and beside them the
line of pixels across the mouth in all frames, time going down.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from dicface import Photo, Restorer, read_photo, write_photo
from dicface.images.draw import contact_sheet
from dicface.images.pixels import resize
from experiments.video import through_h264

FRAMES, SHOWN, SCALE, NOISE, CRF = 24, (3, 9, 15, 18, 21), 4, 5.0, 23
SIZE = (120, 120)
CROP = np.s_[52:196, 148:292]
"""Of the enlarged frames: the face."""
MOUTH_ROW, TILE_PX = 80, 160


def frames_of(portrait: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Frames of a clip in which the portrait moves down and up, reduced and noisy."""
    rng, frames = np.random.default_rng(1), list[NDArray[np.uint8]]()
    for number in range(FRAMES):
        down = 6 * np.sin(np.pi * max(0, number - FRAMES // 2) / 6)
        box = (0.0, 12 + down, 484.0, 496 + down)
        small = Image.fromarray(portrait).resize(SIZE, Image.Resampling.BICUBIC, box=box, reducing_gap=None)
        noisy = np.asarray(small) + rng.normal(0, NOISE, (SIZE[1], SIZE[0], 3))
        frames.append(np.rint(np.clip(noisy, 0, 255)).astype(np.uint8))
    return through_h264(frames, CRF)


def over_time(frames: list[NDArray[np.uint8]], row: int) -> NDArray[np.uint8]:
    """One row of all frames, below one another, as high as a frame."""
    lines = np.stack([frame[CROP][row] for frame in frames])
    side = frames[0][CROP].shape[0]
    return np.asarray(Image.fromarray(lines).resize((side, side), Image.Resampling.NEAREST))


def main(
    photo: Annotated[Path, typer.Argument(help="The portrait of examples/.")],
    out: Annotated[Path, typer.Argument(help="The strip.")],
) -> None:
    """Write the strip."""
    frames, restorer = frames_of(read_photo(photo).pixels), Restorer(backend="onnxruntime")
    made = {
        "plain": [resize(frame, (SCALE * SIZE[0], SCALE * SIZE[1])) for frame in frames],
        "frame by frame": [restorer.restore(frame, scale=SCALE).image for frame in frames],
        "clip": [frame.image for frame in restorer.restore_frames(frames, scale=SCALE)],
    }
    tiles, captions = list[NDArray[np.uint8]](), list[str]()
    for name, images in made.items():
        shown = [images[number][CROP] for number in SHOWN] + [over_time(images, MOUTH_ROW)]
        tiles += [resize(each, (TILE_PX, TILE_PX)) for each in shown]
        captions += [f"{name}, {number}" for number in SHOWN] + [f"{name}, over time"]
    write_photo(out, Photo(contact_sheet(tiles, captions, columns=len(SHOWN) + 1)))


if __name__ == "__main__":
    typer.run(main)
