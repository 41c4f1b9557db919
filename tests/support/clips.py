"""Clips for tests: generated, with sound, chapters and uneven time stamps."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from dicface.images.pixels import resize

UNEVEN_MS = (0, 40, 95, 130, 200, 210, 333, 400)
"""Time stamps of a clip of variable rate."""
TIME_BASE = Fraction(1, 1000)


def moving_face(
    portrait: NDArray[np.uint8], count: int, *, size: tuple[int, int] = (192, 128), step_px: int = 2
) -> list[NDArray[np.uint8]]:
    """Frames in which the portrait, its face 24 px wide, moves to the right.

    Args:
        portrait: (512, 512, 3) uint8 RGB.
        count: number of frames.
        size: width and height.
        step_px: motion from frame to frame.
    """
    small, frames = resize(portrait, (120, 120)), list[NDArray[np.uint8]]()
    for number in range(count):
        frame = np.full((size[1], size[0], 3), (90, 110, 130), np.uint8)
        left = 8 + number * step_px
        frame[4:124, left : left + 120] = small[: size[1] - 4, : size[0] - left]
        frames.append(frame)
    return frames


def write_clip(
    path: Path,
    frames: Sequence[NDArray[np.uint8]],
    stamps: Sequence[int] | None = None,
    *,
    sound: bool = False,
    rotation: int = 0,
    pixel_format: str = "yuv420p",
    codec: str = "libx264",
    transfer: int = 1,
    full_range: bool = False,
    matrix: int = 1,
) -> Path:
    """Write a clip.

    Args:
        path: the file.
        frames: (H, W, 3) uint8 RGB each.
        stamps: in milliseconds; 25 a second without them.
        sound: with a tone in AAC, a chapter, a title and a comment.
        rotation: by how many degrees anticlockwise players turn the frames.
        pixel_format, codec: of the video stream.
        transfer: transfer function in numbers of ITU-T H.273.
        full_range: luma goes from 0 to 255.
        matrix: that the file states, in numbers of ITU-T H.273; frames are converted by that of BT.709.
    """
    stamps = stamps or [40 * number for number in range(len(frames))]
    options = {} if path.suffix in (".mkv", ".webm") else {"video_track_timescale": "1000"}
    with av.open(str(path), "w", container_options=options) as container:
        video: Any = container.add_stream(codec, rate=25, options={"crf": "10"})
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt, video.time_base, video.codec_context.time_base = pixel_format, TIME_BASE, TIME_BASE
        context = video.codec_context
        context.colorspace, context.color_primaries, context.color_trc = matrix, 1, transfer
        context.color_range = 2 if full_range else 1
        if rotation:
            video.set_display_rotation(rotation)
        tone: Any = container.add_stream("aac", rate=48000, layout="mono") if sound else None
        if sound:
            container.metadata.update(title="A walk", comment="mine", location="+52.5+013.4/")
            chapter: Any = {"id": 1, "start": 0, "end": 200, "time_base": TIME_BASE, "metadata": {"title": "one"}}
            container.set_chapters([chapter])
        for pixels, stamp in zip(frames, stamps, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels).reformat(
                format=pixel_format, dst_colorspace="itu709", dst_color_range=2 if full_range else 1
            )
            frame.color_primaries, frame.color_trc = 1, transfer
            frame.pts, frame.time_base = stamp, TIME_BASE
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if tone is not None:
            _write_tone(container, tone, stamps[-1])
    return path


def _write_tone(container: Any, stream: Any, length_ms: int) -> None:
    for number in range(length_ms * 48 // 1024 + 1):
        samples = np.sin((np.arange(1024) + 1024 * number) / 17).astype(np.float32)[None] * 0.3
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 1024 * number, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def stamps_of(path: Path) -> list[Fraction]:
    """Time stamps of the frames of a clip, in seconds."""
    with av.open(str(path)) as container:
        return [(frame.pts or 0) * Fraction(frame.time_base or 0) for frame in container.decode(video=0)]


def frames_of(path: Path) -> list[NDArray[np.uint8]]:
    """Frames of a clip as stored, (H, W, 3) uint8 RGB."""
    with av.open(str(path)) as container:
        return [np.asarray(each.to_ndarray(format="rgb24"), np.uint8) for each in container.decode(video=0)]


def packets_of(path: Path, kind: str) -> list[bytes]:
    """Contents of the packets of all streams of a kind."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return [bytes(packet) for packet in container.demux(streams) if packet.size]
