"""Enlargement of whole photos by other people's networks, in overlapping tiles."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dicface.errors import CheckpointError, UsageError
from dicface.files import file_digest
from dicface.images.pixels import resize
from dicface.runtime.image_model import GeneralNetwork, load_onnx, load_spandrel
from dicface.runtime.models import PICKLED
from dicface.runtime.providers import ProviderName

TILE_PX = 256
"""Side of a tile of networks that take any size."""
OVERLAP_PX = 48
"""Smallest overlap of neighbouring tiles."""
_RAMP_PX = 16
"""Width of the transition in the middle of an overlap; beside it, 16 px of each tile's rim are not used."""
_FIXED_PX = (64, 2048)


class BackgroundModel:
    """Enlarges photos by a network. May be shared between threads.

    Attributes:
        name: the file's name.
        sha256: SHA-256 of the file in hex.
        scale: enlargement of the network.
    """

    def __init__(self, path: str | Path, *, provider: ProviderName = "auto") -> None:
        """Load a network and try it on a grey tile.

        Args:
            path: any ONNX file with one image in and one image out (see `load_onnx`), or weights of any network that
                spandrel supports (.safetensors, .pth, .pt, .ckpt).
            provider: processor of ONNX Runtime.

        Raises:
            UsageError: there is no such file, or torch or spandrel is not installed.
            CheckpointError: the file is not such a network, or it does not enlarge by a whole number from 2 to 8.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if not path.is_file() or suffix not in (".onnx", ".safetensors", *PICKLED):
            raise UsageError(
                f"expected an existing .onnx, .safetensors or .pth file as `background`, got {str(path)!r}"
            )
        network = load_onnx(path, _FIXED_PX, provider=provider) if suffix == ".onnx" else load_spandrel(path)
        self.name, self.sha256 = path.name, file_digest(path)
        self._network: GeneralNetwork = network
        side = network.side or 64
        made = network.enlarge(np.full((side, side, 3), 128, np.uint8)).shape[0]
        if made % side or not 2 <= made // side <= 8:
            raise CheckpointError(
                f"expected a network that enlarges 2 to 8 times, {path.name!r} makes {made} px of {side}"
            )
        self.scale = made // side

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Enlarge a photo.

        Its tiles overlap by `OVERLAP_PX` and more. Where their overlapping results agree, as for networks that look no
        further than 16 px, the photo is the same as in one piece.

        Args:
            pixels: (H, W, 3) uint8 RGB.

        Returns:
            (scale * H, scale * W, 3) uint8 RGB.
        """
        height, width = pixels.shape[:2]
        side = self._network.side or TILE_PX
        if self._network.side is not None:
            # A network of one size gets the photo with its last row and column repeated.
            missing = max(0, side - height), max(0, side - width)
            pixels = np.pad(pixels, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
        made = self._rows(pixels, side)
        return made[: height * self.scale, : width * self.scale]

    def _rows(self, pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
        height, width = pixels.shape[:2]
        made = np.empty((height * self.scale, width * self.scale, 3), np.uint8)
        end = 0
        for top in tile_starts(height, side):
            strip = self._strip(pixels[top : top + side], side)
            _join(made, strip, top * self.scale, end * self.scale, _RAMP_PX * self.scale)
            end = top + side
        return made

    def _strip(self, rows: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
        """Enlarge one strip of a photo tile by tile. `_join` works along the first axis: it gets transposed views."""
        height, width = rows.shape[:2]
        made = np.empty((height * self.scale, width * self.scale, 3), np.uint8)
        end = 0
        for left in tile_starts(width, side):
            tile = self._network.enlarge(np.ascontiguousarray(rows[:, left : left + side]))
            _join(
                made.transpose(1, 0, 2),
                tile.transpose(1, 0, 2),
                left * self.scale,
                end * self.scale,
                _RAMP_PX * self.scale,
            )
            end = left + side
        return made


def tile_starts(length: int, side: int) -> list[int]:
    """First pixels of evenly spaced tiles along an axis, which overlap by `OVERLAP_PX` at least; one if it fits."""
    if length <= side:
        return [0]
    count = -(-(length - OVERLAP_PX) // (side - OVERLAP_PX))
    return [round(number * (length - side) / (count - 1)) for number in range(count)]


def enlarge_to(pixels: NDArray[np.uint8], size: tuple[int, int], network: BackgroundModel | None) -> NDArray[np.uint8]:
    """Enlarge a photo to a size, by a network where there is one, and by Pillow's bicubic filter for the rest.

    A photo that keeps its size is not changed.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        size: width and height of the result in pixels.
        network: None for Pillow alone.

    Returns:
        uint8 RGB of that size.
    """
    if network is None or size == (pixels.shape[1], pixels.shape[0]):
        return resize(pixels, size)
    made = network(pixels)
    return made if size == (made.shape[1], made.shape[0]) else resize(made, size)


def _join(made: NDArray[np.uint8], part: NDArray[np.uint8], start: int, end: int, ramp: int) -> None:
    """Append a part along the first axis, in place, with a linear transition in the middle of the overlap.

    Args:
        made: the image; its rows before `end` are there.
        part: goes to the rows from `start`.
        start, end: of the overlap.
        ramp: width of the transition.
    """
    rows = np.arange(start, start + len(part)) + 0.5
    share = np.clip((rows - (start + end - ramp) / 2) / ramp, 0, 1) if end > start else np.ones(len(part))
    view = made[start : start + len(part)]
    whole, between = share == 1, (share > 0) & (share < 1)
    view[whole] = part[whole]
    old = view[between].astype(np.float32)
    view[between] = np.rint(old + (part[between] - old) * share[between, None, None].astype(np.float32)).astype(
        np.uint8
    )
