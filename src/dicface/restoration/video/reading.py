"""Reading of clips: frames as upright RGB with their time stamps, and the packets of all other streams."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, Self

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from dicface.errors import ClipError
from dicface.restoration.video.colours import ClipColours, colours_of

_DEFAULT_RATE, _LARGEST_RATE = 25.0, 1000.0


class ClipFrame(NamedTuple):
    """A frame of a clip.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, upright.
        pts: time stamp in units of the stream's time base.
    """

    pixels: NDArray[np.uint8]
    pts: int


class ClipFacts(NamedTuple):
    """What is known of a clip from its header and its first frame.

    Attributes:
        width, height: of its upright frames, in pixels.
        quarters: by how many quarter turns anticlockwise its frames become upright.
        time_base: unit of time stamps in seconds.
        rate: mean frames a second, up to 1000.
        length_s: in seconds; None if the file does not say.
        colours: of its frames.
        aspect: width of a pixel over its height, upright.
        notes: what a result does not keep.
    """

    width: int
    height: int
    quarters: int
    time_base: Fraction
    rate: float
    length_s: float | None
    colours: ClipColours
    aspect: Fraction
    notes: tuple[str, ...]


class Clip:
    """An open clip, which is read once, in a `with` block.

    Args:
        path: the file.

    Attributes:
        path: the file.
        facts: what is known of it.
        container: the input of PyAV.
        video: the stream that is decoded.
        damaged: number of packets so far that could not be decoded, and of frames without a place in time.

    Raises:
        ClipError: not a clip, one without frames, or HDR.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.damaged = path, 0
        self.facts = _facts(path)
        self.container = _opened(path)
        self.video = _main_stream(self.container)
        self.video.thread_type = "AUTO"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()

    def items(self, start_s: float = 0.0) -> Iterator["ClipFrame | Packet[Any]"]:
        """The frames in order, between the packets of the other streams.

        Args:
            start_s: where to begin, in seconds; the frames come from the key frame before it on, or from the start of a
                file that cannot be searched.
        """
        if start_s > 0:
            with suppress(FFmpegError):
                self.container.seek(int(start_s * av.time_base))
        last: int | None = None
        for packet in self.container.demux():
            if packet.stream.index != self.video.index:
                if packet.dts is not None or packet.pts is not None:
                    yield packet
                continue
            for frame in self._decoded(packet):
                if frame.pts is None or (last is not None and frame.pts <= last):
                    self.damaged += 1
                    continue
                last = frame.pts
                yield self._upright(frame, last)

    def _decoded(self, packet: "Packet[Any]") -> list[VideoFrame]:
        try:
            return [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
        except FFmpegError:
            self.damaged += 1
            return []

    def _upright(self, frame: VideoFrame, pts: int) -> ClipFrame:
        pixels = np.rot90(self.facts.colours.to_rgb(frame), self.facts.quarters)
        if pixels.shape[:2] != (self.facts.height, self.facts.width):
            raise ClipError(
                f"expected frames of one size, {self.facts.width}x{self.facts.height}, got "
                f"{pixels.shape[1]}x{pixels.shape[0]} at {float(pts * self.facts.time_base):.1f} s; split the clip "
                "there"
            )
        return ClipFrame(np.ascontiguousarray(pixels), pts)


def _opened(path: Path) -> InputContainer:
    try:
        return av.open(str(path), "r", metadata_errors="replace")
    except (FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ClipError(f"expected a clip (MP4, MOV, MKV, WebM), it cannot be read: {reason}") from error


def _main_stream(container: InputContainer) -> VideoStream:
    """The stream that players show: the default one, or the first, without covers and thumbnails."""
    pictures = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [stream for stream in container.streams.video if not stream.disposition & pictures]
    if not streams:
        raise ClipError("expected a clip with a video stream, found none in it")
    return max(streams, key=lambda stream: (bool(stream.disposition & Disposition.default), -stream.index))


def _facts(path: Path) -> ClipFacts:
    """Decode the first frame, which says what the header may leave out."""
    with _opened(path) as container:
        stream = _main_stream(container)
        frame = _first_frame(container, stream)
        quarters = round(frame.rotation / 90) % 4
        width, height = (frame.height, frame.width) if quarters % 2 else (frame.width, frame.height)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        length_s = None if container.duration is None else container.duration / av.time_base
        if stream.duration is not None and stream.time_base is not None:
            length_s = float(stream.duration * stream.time_base)
        return ClipFacts(
            width,
            height,
            quarters,
            stream.time_base or Fraction(1, 1000),
            min(float(stream.average_rate or stream.guessed_rate or _DEFAULT_RATE), _LARGEST_RATE),
            length_s,
            colours_of(frame),
            1 / aspect if quarters % 2 else aspect,
            _notes(frame),
        )


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame:
    for packet in container.demux(stream):
        with suppress(FFmpegError):
            for frame in packet.decode():
                return frame
    raise ClipError("expected a clip with frames, none could be decoded")


def _notes(frame: VideoFrame) -> tuple[str, ...]:
    notes = list[str]()
    bits = max(component.bits for component in frame.format.components)
    if bits > 8:
        notes.append(f"{bits} bits a colour became 8")
    if frame.format.name.startswith("yuva"):
        notes.append("transparency is left out")
    if frame.interlaced_frame:
        notes.append("the clip is interlaced; faces gain more if it is deinterlaced first")
    return tuple(notes)
