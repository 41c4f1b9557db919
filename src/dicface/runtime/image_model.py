"""Upscalers around general image networks and plain interpolation."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.errors import CheckpointError, UsageError
from dicface.files import file_digest
from dicface.images.pixels import FACE_PX, LR_PX, LR_PX_OF, resize, to_network, to_uint8
from dicface.runtime.face_model import FaceSteps, check_crops
from dicface.runtime.providers import ProviderName
from dicface.runtime.sessions import open_session
from dicface.runtime.torch_extra import lacks_torch

ENLARGEMENTS = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
_PROBE_PX = 16
_PIXELS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


class ImageModel:
    """An upscaler with one image in and one image out. May be shared between threads.

    Results are resized with Pillow's bicubic filter if they have another side than `face_px`. There is one step and
    there are no landmarks.

    Attributes:
        name: as given.
        backend: name of the library that runs it.
        description: kind of model, and how its result is resized.
        lr_sizes: smallest and largest side of a crop in pixels.
        face_px: side of its results in pixels.
        sha256: SHA-256 of the model file in hex; empty for plain interpolation.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        backend: str,
        lr_sizes: tuple[int, int],
        enlarge: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
        file: Path | None = None,
        *,
        face_px: int = FACE_PX,
    ) -> None:
        """Wrap a function and try it on a grey crop.

        Args:
            name: as given.
            kind: kind of model, for the description.
            backend: name of the library that runs it.
            lr_sizes: smallest and largest side of a crop in pixels.
            enlarge: (S, S, 3) uint8 RGB -> (R, R, 3) uint8 RGB.
            file: the network's file; None for interpolation.
            face_px: side of its results in pixels.

        Raises:
            CheckpointError: its result is not a square image.
        """
        self.name = name
        self.backend = backend
        self.lr_sizes = lr_sizes
        self.face_px = face_px
        self.sha256 = "" if file is None else file_digest(file)
        self._enlarge = enlarge
        low, high = lr_sizes
        side = min(max(low, _PROBE_PX), high)
        made = enlarge(np.full((side, side, 3), 128, np.uint8)).shape[0]
        resized = "" if made == face_px else f", its {made} px of {side} resized to {face_px}"
        self.description = f"{kind}{resized}"

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """Enlarge crops, one at a time.

        Args:
            crops: (S, S, 3) uint8 RGB each, S within `lr_sizes`.

        Returns:
            One result per crop, in order, with T = 1, landmarks (1, 0, 2) and heatmap_confidence (1, 0).
        """
        check_crops(self.name, self.lr_sizes, crops)
        return [self._steps(self._enlarge(crop)) for crop in crops]

    def _steps(self, image: NDArray[np.uint8]) -> FaceSteps:
        if image.shape[0] != self.face_px:
            image = resize(image, (self.face_px, self.face_px))
        return FaceSteps(image[None], np.empty((1, 0, 2), np.float32), np.empty((1, 0), np.float32))


def _sizes(face_px: int) -> tuple[int, int]:
    """Sides of crops that general networks and enlargements take, by the side of their results."""
    return LR_PX[0], LR_PX_OF[face_px][1]


def open_enlargement(name: str, face_px: int = FACE_PX) -> ImageModel:
    """Plain enlargement with a filter of Pillow, one of `ENLARGEMENTS`, to a side in pixels."""
    resample = ENLARGEMENTS[name]

    def enlarge(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.asarray(Image.fromarray(crop).resize((face_px, face_px), resample))

    return ImageModel(name, f"Pillow's {name} enlargement", "Pillow", _sizes(face_px), enlarge, face_px=face_px)


Enlarge = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""(H, W, 3) uint8 RGB -> (r * H, r * W, 3) uint8 RGB."""


class GeneralNetwork(NamedTuple):
    """A network with an image in and an enlarged image out.

    Attributes:
        kind: kind of network, for descriptions.
        enlarge: runs it; raises `CheckpointError` for sizes that it cannot take.
        side: the only side in pixels that it takes, of square images; None if any.
    """

    kind: str
    enlarge: Enlarge
    side: int | None = None


def load_spandrel(path: Path) -> GeneralNetwork:
    """Load a network that spandrel supports, on the CPU in float32.

    Raises:
        UsageError: torch or spandrel is not installed.
        CheckpointError: see `load_general`.
    """
    if lacks_torch():
        raise UsageError(f"torch is not installed, which {path.name!r} needs; pip install 'dicface[compare]'")
    import torch

    from dicface.runtime.spandrel import load_general

    network = load_general(path)

    def enlarge(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        try:
            with torch.inference_mode():
                made = network(torch.from_numpy(to_network(crop[None]))).numpy()
        except Exception as error:  # architectures raise exceptions of any class at unsupported sizes
            raise _cannot_take(path, crop, error) from error
        return _to_image(path, made, crop)

    return GeneralNetwork(f"{network.architecture.name} x{network.scale} in spandrel", enlarge)


def open_spandrel(name: str, path: Path, face_px: int = FACE_PX) -> ImageModel:
    """An upscaler around a network that spandrel supports; see `load_spandrel`."""
    network = load_spandrel(path)
    return ImageModel(name, network.kind, "torch", _sizes(face_px), network.enlarge, path, face_px=face_px)


def _one_image(path: Path, ports: Sequence[Any], which: str) -> Any:
    # A graph need not declare the shape of its output.
    if len(ports) != 1 or ports[0].type not in _PIXELS or (which == "input" and len(ports[0].shape) != 4):
        got = ", ".join(f"{port.name} {port.type} {port.shape}" for port in ports)
        raise CheckpointError(
            f"expected an ONNX network with one image as its {which}, (1, 3, H, W) or (1, H, W, 3) RGB, float in "
            f"[0, 1] or uint8, got {path.name!r} with {got}"
        )
    return ports[0]


def _fixed_side(path: Path, port: Any, sides: tuple[int, int], *, channels_first: bool) -> int | None:
    """The only side in pixels that an input takes; None if any."""
    faces = port.shape[0]
    fixed = {side for side in (port.shape[2:] if channels_first else port.shape[1:3]) if isinstance(side, int)}
    low, high = sides
    if (isinstance(faces, int) and faces != 1) or len(fixed) > 1 or not all(low <= side <= high for side in fixed):
        raise CheckpointError(
            f"expected an ONNX network that takes one square crop of {low} to {high} px, "
            f"got {path.name!r} with the input {port.name} {port.shape}"
        )
    return next(iter(fixed), None)


def open_onnx_image_network(
    name: str, path: Path, *, provider: ProviderName = "auto", face_px: int = FACE_PX
) -> ImageModel:
    """An upscaler of face crops around any ONNX file with one image in and one image out; see `load_onnx`."""
    network = load_onnx(path, _sizes(face_px), provider=provider)
    sizes = _sizes(face_px) if network.side is None else (network.side, network.side)
    return ImageModel(name, network.kind, "onnxruntime", sizes, network.enlarge, path, face_px=face_px)


def load_onnx(path: Path, sides: tuple[int, int], *, provider: ProviderName = "auto") -> GeneralNetwork:
    """Load any ONNX file with one image in and one image out, in ONNX Runtime.

    Images are RGB, channels first or last, of any size or a fixed one; float32 and float16 mean [0, 1], uint8 means 0
    to 255.

    Args:
        path: the file.
        sides: smallest and largest fixed side that is of use.
        provider: see `choose_provider`.

    Raises:
        CheckpointError: not an ONNX file, or one with other inputs or outputs.
    """
    session = open_session(path, provider=provider)
    entry = _one_image(path, session.get_inputs(), "input")
    exit_ = _one_image(path, session.get_outputs(), "output")
    # If neither axis is 3, channels come first, as torch exports them.
    channels_first = entry.shape[1] == 3 or entry.shape[3] != 3
    channels = entry.shape[1 if channels_first else 3]
    if isinstance(channels, int) and channels != 3:
        raise CheckpointError(
            f"expected 3 channels, (1, 3, H, W) or (1, H, W, 3), got {path.name!r} with the input {entry.name} "
            f"{entry.shape}"
        )
    side = _fixed_side(path, entry, sides, channels_first=channels_first)

    def enlarge(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        values: NDArray[Any] = crop[None]
        if _PIXELS[entry.type] is not np.uint8:
            values = (values / np.float32(255)).astype(_PIXELS[entry.type])
        if channels_first:
            values = np.ascontiguousarray(values.transpose(0, 3, 1, 2))
        try:
            made = np.asarray(session.run([exit_.name], {entry.name: values})[0])
        except Exception as error:  # its exceptions share no base but this
            raise _cannot_take(path, crop, error) from error
        return _to_image(path, made, crop)

    return GeneralNetwork(f"ONNX network {path.name}", enlarge, side)


def _cannot_take(path: Path, crop: NDArray[np.uint8], error: Exception) -> CheckpointError:
    why = " ".join(str(error).split())
    return CheckpointError(f"{path.name!r} cannot take a crop of {crop.shape[0]} px: {why}; try another `lr_size`")


def _to_image(path: Path, made: NDArray[Any], crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert a network's output for a crop to (r * H, r * W, 3) uint8 RGB."""
    if made.ndim != 4 or made.shape[0] != 1 or 3 not in (made.shape[1], made.shape[3]):
        raise CheckpointError(f"expected an image out of {path.name!r}, (1, 3, H, W) or (1, H, W, 3), got {made.shape}")
    image = np.ascontiguousarray(made[0].transpose(1, 2, 0) if made.shape[1] == 3 else made[0])
    if image.shape[0] * crop.shape[1] != image.shape[1] * crop.shape[0]:
        raise CheckpointError(f"expected a square image of a square crop out of {path.name!r}, got {made.shape}")
    if image.dtype == np.uint8:
        return image
    image = image.astype(np.float32)
    # Ringing exceeds [0, 1] a little. Values of 10 and more are 8-bit levels or diverged.
    if not np.isfinite(image).all() or np.abs(image).max() > 10:
        raise CheckpointError(
            f"expected pixels in [0, 1] out of {path.name!r}, got {image.min():g} to {image.max():g}; "
            "put the scaling into the graph"
        )
    return to_uint8(image)
