"""Writing of clips: frames are encoded, and the packets of the other streams are passed on as they are."""

import typing
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from dicface.errors import OutputError, UsageError
from dicface.images.clips import CodecName
from dicface.restoration.video.reading import Clip, ClipFacts


class _Encoder(NamedTuple):
    """An encoder of FFmpeg and its settings.

    Attributes:
        name: in FFmpeg.
        crf: constant rate factor without a wish.
        largest_crf: of its range from 0.
        takes_odd: it takes frames of odd sides in 4:2:0.
        options: further ones.
    """

    name: str
    crf: float
    largest_crf: int
    takes_odd: bool
    options: dict[str, str]


_ENCODERS: dict[CodecName, _Encoder] = {
    "h264": _Encoder("libx264", 18, 51, takes_odd=False, options={}),
    "h265": _Encoder("libx265", 20, 51, takes_odd=False, options={"x265-params": "log-level=error"}),
    "vp9": _Encoder("libvpx-vp9", 28, 63, takes_odd=True, options={"b": "0", "row-mt": "1", "cpu-used": "3"}),
    "av1": _Encoder("libsvtav1", 28, 63, takes_odd=False, options={"preset": "8"}),
}
_PIXEL_FORMAT = "yuv420p"
_OF_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder")
"""Metadata that describes the source's file."""
_WEBM = ".webm"
_MP4_LIKE = (".mp4", ".m4v", ".mov")


class Encoding(NamedTuple):
    """How frames are encoded.

    Attributes:
        codec: h264, h265, vp9 or av1.
        crf: constant rate factor of the encoder: lower is better and larger.
    """

    codec: CodecName
    crf: float


def encoding_for(target: Path, codec: CodecName | None = None, crf: float | None = None) -> Encoding:
    """The encoding of a result.

    Args:
        target: the result; WebM takes VP9 and AV1 alone.
        codec: None takes H.264, and VP9 for WebM.
        crf: None takes 18 for H.264, 20 for H.265, 28 for VP9 and AV1.

    Raises:
        UsageError: an unknown codec, one that the container does not hold, or a factor out of its range.
    """
    names = typing.get_args(CodecName)
    chosen: CodecName = codec or ("vp9" if target.suffix.lower() == _WEBM else "h264")
    if chosen not in names:
        raise UsageError(f"expected a `codec`, one of {', '.join(names)}, got {codec!r}")
    if target.suffix.lower() == _WEBM and chosen not in ("vp9", "av1"):
        raise UsageError(f"expected a `codec` that WebM holds, vp9 or av1, got {chosen!r}")
    encoder = _ENCODERS[chosen]
    factor = encoder.crf if crf is None else crf
    if not 0 <= factor <= encoder.largest_crf:
        raise UsageError(f"expected a `crf` from 0 to {encoder.largest_crf} for {chosen}, got {factor:g}")
    return Encoding(chosen, factor)


def muxer_of(path: Path) -> str | None:
    """Name in FFmpeg of what writes a clip; None for the one of the file's suffix.

    M4V is MP4. FFmpeg's own choice for it takes the codecs of old players alone, and neither H.265, VP9 nor AV1.
    """
    return "mp4" if path.suffix.lower() == ".m4v" else None


class ClipWriter:
    """Writes a clip beside one that is read. Call `close` at the end: without it the file cannot be played.

    Args:
        path: the file; its suffix names the container.
        clip: the source, whose other streams, chapters and metadata are taken on.
        size: width and height of the frames in pixels.
        encoding: see `encoding_for`.
        comment: text about the result, added to the source's comment; empty for none.
        metadata: take on the source's metadata and chapters.
        keep_gps: and the place where it was taken.
        start_s: time in seconds that becomes 0.

    Attributes:
        notes: what the container does not hold.

    Raises:
        OutputError: the container does not hold the source's sound, or the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        clip: Clip,
        size: tuple[int, int],
        encoding: Encoding,
        *,
        comment: str,
        metadata: bool = True,
        keep_gps: bool = False,
        start_s: float = 0.0,
    ) -> None:
        self.notes = list[str]()
        self._facts, self._start_s = clip.facts, start_s
        self._is_short = encoding.codec == "h265"
        """Whether x265 has not given anything yet: its decoding times may be undefined."""
        options = {}
        if path.suffix.lower() in _MP4_LIKE and clip.facts.time_base.numerator == 1:
            options["video_track_timescale"] = str(clip.facts.time_base.denominator)
        self._container = av.open(str(path), "w", format=muxer_of(path), container_options=options)
        try:
            self._padding = (0, 0) if _ENCODERS[encoding.codec].takes_odd else (size[1] % 2, size[0] % 2)
            self._video, self._others = self._streams(clip, size, encoding, path.suffix)
            self._describe(clip, comment, metadata=metadata, keep_gps=keep_gps)
            self._container.start_encoding()
        except FFmpegError as error:
            self._container.close()
            raise OutputError(f"the clip cannot be written as {path.suffix}: {error.strerror}; try .mkv") from error
        except BaseException:
            self._container.close()
            raise

    def _streams(
        self, clip: Clip, size: tuple[int, int], encoding: Encoding, suffix: str
    ) -> tuple[VideoStream, dict[int, Stream]]:
        """Streams in the order of the source's."""
        held = self._container.supported_codecs
        video: VideoStream | None = None
        others: dict[int, Stream] = {}
        for stream in clip.container.streams:
            if stream.index == clip.video.index:
                video = self._video_stream(clip.facts, size, encoding)
            elif _codec_of(stream) in held:
                others[stream.index] = self._container.add_stream_from_template(stream, opaque=True)
                others[stream.index].disposition = stream.disposition
            elif stream.type == "audio":
                raise OutputError(
                    f"expected a container that holds the clip's sound ({_codec_of(stream)}), {suffix} does not; "
                    "choose an output ending in .mkv"
                )
            elif not (stream.type == "data" and clip.container.chapters()):
                # MP4 keeps chapters in such a stream, too.
                kind = _codec_of(stream) or stream.type
                self.notes.append(f"left out: a stream of {kind}, which {suffix} cannot hold")
        assert video is not None
        return video, others

    def _video_stream(self, facts: ClipFacts, size: tuple[int, int], encoding: Encoding) -> VideoStream:
        encoder = _ENCODERS[encoding.codec]
        options = {"crf": f"{encoding.crf:g}", **encoder.options}
        rate = Fraction(facts.rate).limit_denominator(1001)
        stream: Any = self._container.add_stream(encoder.name, rate=rate, options=options)
        stream.width, stream.height = size[0] + self._padding[1], size[1] + self._padding[0]
        stream.pix_fmt = _PIXEL_FORMAT
        stream.time_base = facts.time_base
        context = stream.codec_context
        context.time_base, context.sample_aspect_ratio = facts.time_base, facts.aspect
        context.colorspace, context.color_range = facts.colours.matrix, facts.colours.range_number
        context.color_primaries, context.color_trc = facts.colours.primaries, facts.colours.transfer
        if any(self._padding):
            self.notes.append(
                f"{size[0]}x{size[1]} became {stream.width}x{stream.height}, since {encoding.codec} takes even sides"
            )
        return stream

    def _describe(self, clip: Clip, comment: str, *, metadata: bool, keep_gps: bool) -> None:
        source: InputContainer = clip.container
        if metadata:
            said = source.metadata.items()
            self._container.metadata.update({name: text for name, text in said if _is_kept(name, keep_gps=keep_gps)})
            self._video.metadata.update(clip.video.metadata)
            for index, stream in self._others.items():
                stream.metadata.update(source.streams[index].metadata)
            if self._start_s == 0:
                self._container.set_chapters(source.chapters())
        if comment:
            names = {name.lower(): name for name in self._container.metadata}
            before = self._container.metadata.pop(names.get("comment", ""), "")
            self._container.metadata["comment"] = f"{before}; {comment}" if before else comment

    def write_frame(self, pixels: NDArray[np.uint8], pts: int) -> None:
        """Encode a frame.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            pts: its time stamp in the source.

        Raises:
            OutputError: the encoder refuses it.
        """
        down, across = self._padding
        if down or across:
            pixels = np.pad(pixels, ((0, down), (0, across), (0, 0)), mode="edge")
        frame = self._facts.colours.from_rgb(pixels, _PIXEL_FORMAT)
        frame.pts, frame.time_base = pts - self._offset(self._facts.time_base), self._facts.time_base
        packets = self._video.encode(frame)
        self._is_short &= not packets
        self._mux(packets)

    def write_packet(self, packet: "Packet[Any]") -> None:
        """Pass a packet of another stream on; packets of streams that are left out are dropped."""
        stream = self._others.get(packet.stream.index)
        if stream is None:
            return
        offset = self._offset(packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - offset
        packet.dts = None if packet.dts is None else packet.dts - offset
        packet.stream = stream
        self._mux([packet])

    def _offset(self, time_base: Fraction) -> int:
        return round(Fraction(self._start_s) / time_base)

    def _mux(self, packets: list[Any]) -> None:
        try:
            self._container.mux(packets)
        except FFmpegError as error:
            raise OutputError(f"the clip could not be written: {error.strerror}; choose another output") from error

    def close(self) -> None:
        """Write what the encoder still holds, and the end of the file."""
        packets = self._video.encode(None)
        if self._is_short:
            set_decoding_times(packets)
        self._mux(packets)
        self._container.close()

    def abandon(self) -> None:
        """Close the file without a trailer, after an error: it cannot be played."""
        self._container.close()


def set_decoding_times(packets: list[Any]) -> None:
    """Set the decoding times of all packets of a clip.

    x265 leaves them undefined where a clip has no more frames than it reorders: it subtracts a delay that it learns
    from later frames. As there, a packet is decoded when the frame that is `depth` places earlier in the order of
    presentation is shown, for the least depth at which no packet is late.

    Args:
        packets: in order of decoding, with presentation times.
    """
    presented = [packet.pts for packet in packets]
    in_order = sorted(presented)
    depth = 0
    while any(early > late for early, late in zip(in_order, presented[depth:], strict=False)):
        depth += 1
    delay = in_order[depth] - in_order[0] if packets else 0
    for place, packet in enumerate(packets):
        packet.dts = in_order[place] - delay if place < depth else in_order[place - depth]


def _is_kept(name: str, *, keep_gps: bool) -> bool:
    return name.lower() not in _OF_THE_FILE and (keep_gps or "location" not in name.lower())


def _codec_of(stream: Stream) -> str:
    """Name of a stream's codec; empty for data without one."""
    context: Any = stream.codec_context
    return "" if context is None else str(context.name)
