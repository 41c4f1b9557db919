"""Colours of clips: what a stream says of them, and conversion of frames to RGB and back."""

from typing import NamedTuple

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from dicface.errors import ClipError

_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
"""Transfer functions of HDR. Source: ITU-T H.273, table 3."""
_MATRICES = {1: "itu709", 4: "fcc", 5: "itu601", 6: "itu601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
"""Names in swscale of the matrix coefficients. Source: ITU-T H.273, table 4."""
_HD_LINES = 720
"""Clips of so many lines have the matrix of BT.709 unless they say otherwise, smaller ones that of BT.601."""
_RGB, _UNSPECIFIED = 0, 2
_LIMITED, _FULL = 1, 2
_EXACT = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)


class ClipColours(NamedTuple):
    """What a clip says of its colours, in numbers of ITU-T H.273; 2 is unspecified. A result says the same.

    Attributes:
        matrix: of the conversion to RGB.
        is_full_range: luma goes from 0 to 255, not from 16 to 235.
        primaries, transfer: are not converted.
    """

    matrix: int
    is_full_range: bool
    primaries: int
    transfer: int

    def to_rgb(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Convert a frame: (H, W, 3) uint8 RGB."""
        return frame.to_ndarray(
            format="rgb24",
            src_colorspace=self._matrix_name(frame.height),
            src_color_range=_FULL if self.is_full_range else _LIMITED,
            dst_color_range=_FULL,
            interpolation=_EXACT,
        ).astype(np.uint8, copy=False)

    def from_rgb(self, pixels: NDArray[np.uint8], pixel_format: str) -> VideoFrame:
        """Convert (H, W, 3) uint8 RGB to a frame of a pixel format such as yuv420p."""
        made = VideoFrame.from_ndarray(np.ascontiguousarray(pixels)).reformat(
            format=pixel_format,
            src_color_range=_FULL,
            dst_colorspace=self._matrix_name(pixels.shape[0]),
            dst_color_range=_FULL if self.is_full_range else _LIMITED,
            interpolation=_EXACT,
        )
        made.colorspace, made.color_primaries, made.color_trc = self.matrix, self.primaries, self.transfer
        return made

    @property
    def range_number(self) -> int:
        """1 for limited range, 2 for full range."""
        return _FULL if self.is_full_range else _LIMITED

    def _matrix_name(self, height: int) -> str:
        return _MATRICES.get(self.matrix, "itu709" if height >= _HD_LINES else "itu601")


def colours_of(frame: VideoFrame) -> ClipColours:
    """What a frame says of its colours.

    Raises:
        ClipError: it is HDR.
    """
    if frame.color_trc in _HDR_TRANSFERS:
        raise ClipError(
            f"expected a clip in standard dynamic range, got HDR ({_HDR_TRANSFERS[frame.color_trc]}); convert it "
            "first, for example with ffmpeg's filter tonemap"
        )
    is_full = frame.color_range == _FULL or frame.format.name.startswith("yuvj")
    # A result is never RGB, and players would take its luma for green.
    matrix = _UNSPECIFIED if frame.colorspace == _RGB else frame.colorspace
    return ClipColours(matrix, is_full, frame.color_primaries, frame.color_trc)
