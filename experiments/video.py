"""Restored clips measured: gain for each frame, steadiness where nothing moves, and speed by stage.

    python -m experiments.video hires-val.parquet backgrounds-val.parquet --clips 3
    python -m experiments.video hires-val.parquet backgrounds-val.parquet --speed

A clip shows two faces before a background, 40 frames at four times the size of what is restored. For the first half
it stands still, then the camera pans or zooms, or the faces turn. It is reduced, gets noise, goes through H.264, and is
restored at scale 4 frame by frame, as a clip, and enlarged by Pillow alone. The table has, over all frames and faces:

- gain: mean of the gain of PSNR over the plain enlargement (luma, inside the square of the true landmarks), in dB;
- change: mean change of the luma from frame to frame while nothing moves, in grey levels, in the middle half of the
  square, of the picture and of the residual, the restored minus the plain picture;
- jitter: mean change of the landmarks' error from frame to frame, in per cent of the side of the crop.
"""

import io
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

import av
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet
from rich.console import Console
from rich.table import Table

from dicface import Face, Restorer
from dicface.faces.geometry import Square, square_of_landmarks
from dicface.images.pixels import luma, resize
from dicface.restoration.choice import FaceChoice
from dicface.restoration.stages import Stages
from dicface.restoration.video.steadiness import SteadyFace, SteadyStep
from dicface.runtime.models import DEFAULT_MODEL

Motion = Literal["pan", "zoom", "turn"]
SCALE = 4
SIZE = (160, 96)
"""Of the reduced clip, in pixels."""
SPRITE_PX = 176
"""Side of a face with what is around it, before the reduction."""
DAMAGES = {"h264": (0.0, 28), "noise": (6.0, 20)}
"""Standard deviation of the noise in grey levels, and the rate factor of H.264."""
METHODS = ("plain", "frame by frame", "followed", "residual averaged", "clip")
"""Ways to make a frame. Followed faces are those of a clip without an average; with the residual averaged, the plain
enlargement is that of the frame itself."""


class SteadyResidual(SteadyFace):
    """The average of the residual in place of that of the face, for comparison."""

    def __call__(self, face: NDArray[np.uint8], crop: NDArray[np.uint8], square: Square) -> SteadyStep:
        """See `SteadyFace`."""
        plain = resize(crop, face.shape[:2]).astype(np.float32)
        step = super().__call__(np.rint(np.clip(face - plain + 128, 0, 255)).astype(np.uint8), crop, square)
        return step._replace(face=np.rint(np.clip(plain + step.face - 128, 0, 255)).astype(np.uint8))


AVERAGES: dict[str, Callable[[], SteadyFace]] = {
    "followed": lambda: SteadyFace(1),
    "residual averaged": SteadyResidual,
    "clip": SteadyFace,
}


class Moment(NamedTuple):
    """A frame of a clip before its damage, (H, W, 3) uint8, and the true landmarks, (2, 68, 2) in its pixels."""

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float64]


def images_of(path: Path, first: int, count: int) -> list[tuple[Image.Image, NDArray[np.float64]]]:
    """Images of a pack with landmarks; zeros where there are none."""
    rows = parquet.read_table(path).slice(first, count).to_pylist()
    return [
        (
            Image.open(io.BytesIO(row["image"])).convert("RGB"),
            np.array(row.get("landmarks") or np.zeros(136)).reshape(68, 2),
        )
        for row in rows
    ]


def with_yaw(face: Image.Image, points: NDArray[np.float64], amount: float) -> tuple[Image.Image, NDArray[np.float64]]:
    """A face with a little yaw: its middle moves across, its outline stays."""
    side = face.width
    grid = (np.arange(side) + 0.5) / side - 0.5
    depth = np.exp(-((grid[None] / 0.22) ** 2) - (grid[:, None] / 0.3) ** 2) * amount * side
    pixels, columns = np.asarray(face, np.float32), np.clip(np.arange(side)[None] - depth, 0, side - 1.001)
    left = columns.astype(int)
    share, rows = (columns - left)[..., None], np.arange(side)[:, None]
    moved = pixels[rows, left] * (1 - share) + pixels[rows, left + 1] * share
    x, y = (points.T + 0.5) / side - 0.5
    bump = np.exp(-((x / 0.22) ** 2) - (y / 0.3) ** 2) * amount * side
    return Image.fromarray(np.rint(moved).astype(np.uint8)), points + np.stack([bump, np.zeros(68)], axis=1)


def moments(
    faces: list[tuple[Image.Image, NDArray[np.float64]]], background: Image.Image, motion: Motion, count: int
) -> Iterator[Moment]:
    """The frames of a clip before its damage."""
    width, height = SIZE[0] * SCALE, SIZE[1] * SCALE
    wide = (round(width * 1.25), round(height * 1.25))
    centres = np.linspace(-1, 1, SPRITE_PX)
    mask = np.clip((1.0 - np.hypot(centres[None], centres[:, None])) / 0.25, 0, 1)
    soft = Image.fromarray(np.rint(mask * 255).astype(np.uint8))
    for number in range(count):
        at = max(0.0, (number - count / 2 + 1) / (count / 2))
        canvas, placed = background.resize(wide, Image.Resampling.BICUBIC), list[NDArray[np.float64]]()
        for column, (face, points) in enumerate(faces):
            small = face.resize((SPRITE_PX, SPRITE_PX), Image.Resampling.BICUBIC)
            landmarks = (points + 0.5) * SPRITE_PX / face.width - 0.5
            if motion == "turn":
                small, landmarks = with_yaw(small, landmarks, 0.07 * np.sin(np.pi * at))
            corner = (round(wide[0] * (0.3 + 0.4 * column)) - SPRITE_PX // 2, (wide[1] - SPRITE_PX) // 2)
            canvas.paste(small, corner, soft)
            placed.append(landmarks + corner)
        zoom = 1 - 0.16 * at if motion == "zoom" else 1.0
        shift = (0.1 * width * at, 0.04 * height * at) if motion == "pan" else (0.0, 0.0)
        left, top = (wide[0] - width * zoom) / 2 + shift[0], (wide[1] - height * zoom) / 2 + shift[1]
        box = (left, top, left + width * zoom, top + height * zoom)
        view = canvas.transform((width, height), Image.Transform.EXTENT, box, Image.Resampling.BICUBIC)
        yield Moment(np.asarray(view), (np.array(placed) + 0.5 - (left, top)) / zoom - 0.5)


def through_h264(frames: list[NDArray[np.uint8]], crf: int) -> list[NDArray[np.uint8]]:
    """Encode frames, and decode them."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=25, options={"crf": str(crf)})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def damaged(truth: list[Moment], damage: str, seed: int) -> list[NDArray[np.uint8]]:
    """The reduced frames with noise, through H.264."""
    noise, crf = DAMAGES[damage]
    rng = np.random.default_rng(seed)
    small = [resize(moment.pixels, SIZE).astype(np.float64) for moment in truth]
    noisy = [np.rint(np.clip(each + rng.normal(0, noise, each.shape), 0, 255)).astype(np.uint8) for each in small]
    return through_h264(noisy, crf)


class Made(NamedTuple):
    """Results of a method: enlarged frames, and the faces of each."""

    frames: list[NDArray[np.uint8]]
    faces: list[tuple[Face, ...]]


def results_of(restorer: Restorer, frames: list[NDArray[np.uint8]], method: str) -> Made:
    """Restore a clip by a method."""
    if method == "plain":
        return Made([resize(each, (SIZE[0] * SCALE, SIZE[1] * SCALE)) for each in frames], [() for _ in frames])
    if method == "frame by frame":
        photos = [restorer.restore(each, scale=SCALE) for each in frames]
        return Made([each.image for each in photos], [each.faces for each in photos])
    work = restorer.frame_restorer(FaceChoice(), scale=SCALE, rate=25, make_average=AVERAGES[method])
    restored = [work(each) for each in frames]
    return Made([each.image for each in restored], [each.faces for each in restored])


def landmarks_near(faces: tuple[Face, ...], truth: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Landmarks of the face at a place, in pixels before the enlargement."""
    middle = truth.mean(axis=0)
    found = [face.landmarks for face in faces if face.landmarks is not None]
    near = [points for points in found if np.linalg.norm(points.mean(axis=0) - middle) < np.ptp(truth[:, 0]) / 3]
    return None if not near else near[0].astype(np.float64)


def measured(truth: list[Moment], plain: Made, made: Made) -> dict[str, list[float]]:
    """Measures of one clip by name, a value for each frame and face."""
    values: dict[str, list[float]] = defaultdict(list)
    for person in range(2):
        before: dict[str, Any] = {}
        for number, moment in enumerate(truth):
            landmarks = moment.landmarks[person]
            square = square_of_landmarks(landmarks)
            here = np.s_[square.top : square.top + square.side, square.left : square.left + square.side]
            goal, base, image = (
                luma(each[here]) for each in (moment.pixels, plain.frames[number], made.frames[number])
            )
            errors = [float(((each - goal) ** 2).mean()) for each in (base, image)]
            is_still = number < len(truth) // 2
            values["gain still" if is_still else "gain moving"].append(10 * np.log10(errors[0] / errors[1]))
            middle = np.s_[square.side // 4 : -square.side // 4, square.side // 4 : -square.side // 4]
            now: dict[str, Any] = {"picture": image[middle], "residual": (image - base)[middle]}
            for name, value in now.items():
                if is_still and number:
                    values[f"change {name}"].append(float(np.abs(value - before[name]).mean()))
            small = (landmarks + 0.5) / SCALE - 0.5
            found = landmarks_near(made.faces[number], small)
            now["error"] = None if found is None else (found - small) / (square.side / SCALE) * 100
            if before.get("error") is not None and now["error"] is not None:
                distance = np.linalg.norm(now["error"] - before["error"], axis=1)
                values["jitter still" if is_still else "jitter moving"].append(float(distance.mean()))
            before = now
    return values


NAMES = ("gain still", "gain moving", "change picture", "change residual", "jitter still", "jitter moving")


Method = Callable[[list[NDArray[np.uint8]]], Made]
"""Makes the enlarged frames of a clip from the reduced ones."""


def print_table(
    methods: Mapping[str, Method], title: str, data: Path, backgrounds: Path, clips: int, count: int, console: Console
) -> None:
    """Print the table of all clips, a row for each damage and method. The first method is the plain enlargement."""
    pooled: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for clip in range(clips):
        faces = images_of(data, 2 * clip + 60, 2)
        (background, _), *_ = images_of(backgrounds, clip, 1)
        for motion in get_args(Motion):
            truth = list(moments(faces, background, motion, count))
            for damage in DAMAGES:
                frames = damaged(truth, damage, clip)
                made = {name: method(frames) for name, method in methods.items()}
                plain = next(iter(made.values()))
                for name, each in made.items():
                    for measure, values in measured(truth, plain, each).items():
                        pooled[damage, name][measure] += values
    table = Table("damage", "method", *NAMES, title=f"{clips} pairs of faces, {count} frames, {title}")
    for (damage, name), values in pooled.items():
        table.add_row(damage, name, *(f"{np.mean(values[each]):.2f}" if values[each] else "" for each in NAMES))
    console.print(table)


class ProcessorStages(Stages):
    """Stages by the time of the processor, which a busy machine does not lengthen."""

    @contextmanager
    def measure(self, stage: str) -> Generator[None]:
        """See `Stages.measure`."""
        start = time.process_time()
        yield
        self.spent_s[stage] = self.spent_s.get(stage, 0.0) + time.process_time() - start


def print_speed(restorer: Restorer, data: Path, backgrounds: Path, count: int, console: Console) -> None:
    """Print frames a second of one core and the time of each stage, for two faces from array to array."""
    (background, _), *_ = images_of(backgrounds, 0, 1)
    truth = list(moments(images_of(data, 60, 2), background, "pan", count))
    small = through_h264([resize(moment.pixels, SIZE) for moment in truth], 23)
    for width, height in ((640, 360), (1280, 720)):
        frames: list[NDArray[np.uint8]] = []
        for pixels in small:
            frame = np.array(background.resize((width, height), Image.Resampling.BICUBIC))
            frame[40 : 40 + SIZE[1], 60 : 60 + SIZE[0]] = pixels
            frames.append(frame)
        work = restorer.frame_restorer(FaceChoice(), scale=1, rate=25)
        work(frames[0])
        work.stages = ProcessorStages()
        start = time.process_time()
        for frame in frames[1:]:
            work(frame)
        spent_s = time.process_time() - start
        restored = sum(track.restored_frames > 0 for track in work.tracks)
        stages = ", ".join(f"{name} {1000 * s / (count - 1):.0f} ms" for name, s in work.stages.spent_s.items())
        console.print(f"{width}x{height}, {restored} faces: {(count - 1) / spent_s:.1f} frames/s; {stages}")


def main(
    data: Annotated[Path, typer.Argument(help="Face pack of 288 px.")],
    backgrounds: Annotated[Path, typer.Argument(help="Pack of photos without faces.")],
    *,
    clips: Annotated[int, typer.Option(min=1, help="Pairs of faces.")] = 3,
    frames: Annotated[int, typer.Option(min=4, help="Frames of a clip.")] = 40,
    speed: Annotated[bool, typer.Option("--speed", help="Measure the speed instead.")] = False,
    model: Annotated[
        str, typer.Option(help="Name, or an ONNX file, which has no larger model beside it.")
    ] = DEFAULT_MODEL,
    threads: Annotated[int | None, typer.Option(min=1, help="Of each network.")] = None,
    sharpness: Annotated[float, typer.Option(min=0, max=1, help="See `dicface restore`.")] = 0,
) -> None:
    """Print the table."""
    threads = 1 if speed else threads
    restorer = Restorer(model, backend="onnxruntime", threads=threads, sharpness=sharpness)
    console = Console(width=150)
    if speed:
        print_speed(restorer, data, backgrounds, frames, console)
    else:
        methods = {name: partial(results_of, restorer, method=name) for name in METHODS}
        print_table(methods, restorer.model.name, data, backgrounds, clips, frames, console)


if __name__ == "__main__":
    typer.run(main)
