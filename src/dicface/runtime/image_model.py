"""Other people's networks, and plain enlargement, called as ours are."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.errors import CheckpointError, UsageError
from dicface.files import file_digest
from dicface.images.pixels import FACE_PX, LR_PX, resize, to_network, to_uint8
from dicface.runtime.face_model import FaceSteps, check_crops
from dicface.runtime.sessions import open_session

ENLARGEMENTS = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
_PROBE_PX = 16
_PIXELS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


class ImageModel:
    """Anything that makes an image of an image. May be shared between threads.

    What it makes of a crop is resized (bicubic) to 128x128 if it has another size. There is one step and there are no
    landmarks.

    Attributes:
        name: as it was asked for.
        backend: what runs it.
        description: what it is, and what is done to its result.
        lr_sizes: smallest and largest side of a crop, in pixels.
        sha256: of its file, hexadecimal; empty of what is no network.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        backend: str,
        lr_sizes: tuple[int, int],
        enlarge: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
        file: Path | None = None,
    ) -> None:
        """Wrap a function and try it on a grey crop.

        Args:
            name: as it was asked for.
            kind: what it is, for the description.
            backend: what runs it.
            lr_sizes: smallest and largest side of a crop, in pixels.
            enlarge: (S, S, 3) uint8 RGB -> (R, R, 3) uint8 RGB.
            file: the network's; None if it is none.

        Raises:
            CheckpointError: it does not make square images of square images.
        """
        self.name = name
        self.backend = backend
        self.lr_sizes = lr_sizes
        self.sha256 = "" if file is None else file_digest(file)
        self._enlarge = enlarge
        low, high = lr_sizes
        side = min(max(low, _PROBE_PX), high)
        made = enlarge(np.full((side, side, 3), 128, np.uint8)).shape[0]
        resized = "" if made == FACE_PX else f", its {made} px of {side} resized to {FACE_PX}"
        self.description = f"{kind}{resized}"

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """Enlarge crops, one at a time.

        Args:
            crops: (S, S, 3) uint8 RGB each, S within `lr_sizes`.

        Returns:
            One result a crop, in order, with T = 1 and no landmarks: (1, 0, 2), their peaks (1, 0).
        """
        check_crops(self.name, self.lr_sizes, crops)
        return [self._steps(self._enlarge(crop)) for crop in crops]

    @staticmethod
    def _steps(image: NDArray[np.uint8]) -> FaceSteps:
        if image.shape[0] != FACE_PX:
            image = resize(image, (FACE_PX, FACE_PX))
        return FaceSteps(image[None], np.empty((1, 0, 2), np.float32), np.empty((1, 0), np.float32))


def open_enlargement(name: str) -> ImageModel:
    """Pillow's enlargement by a filter, one of `ENLARGEMENTS`."""
    resample = ENLARGEMENTS[name]

    def enlarge(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.asarray(Image.fromarray(crop).resize((FACE_PX, FACE_PX), resample))

    return ImageModel(name, f"Pillow's {name} enlargement", "Pillow", LR_PX, enlarge)


def open_spandrel(name: str, path: Path) -> ImageModel:
    """A network that spandrel knows, on the CPU, float32.

    Raises:
        UsageError: torch or spandrel is not installed.
        CheckpointError: see `load_general`.
    """
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("safetensors") is None:
        raise UsageError(f"torch is not installed, which {path.name!r} needs; pip install 'dicface[compare]'")
    import torch

    from dicface.runtime.spandrel import load_general

    network = load_general(path)

    def enlarge(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        try:
            with torch.inference_mode():
                made = network(torch.from_numpy(to_network(crop[None]))).numpy()
        except Exception as error:  # architectures fail in their own ways at sizes they were not made for
            raise _cannot_take(path, crop, error) from error
        return _to_image(path, made)

    return ImageModel(name, f"{network.architecture.name} x{network.scale} in spandrel", "torch", LR_PX, enlarge, path)


def _one_image(path: Path, ports: Sequence[Any], which: str) -> Any:
    # A graph need not say the shape of what comes out of it.
    if len(ports) != 1 or ports[0].type not in _PIXELS or (which == "input" and len(ports[0].shape) != 4):
        got = ", ".join(f"{port.name} {port.type} {port.shape}" for port in ports)
        raise CheckpointError(
            f"expected an ONNX network with one image as its {which}, (1, 3, H, W) or (1, H, W, 3) RGB, float in "
            f"[0, 1] or uint8, got {path.name!r} with {got}"
        )
    return ports[0]


def _fixed_side(path: Path, port: Any, channels_first: bool) -> int | None:
    """The only side that an input takes, None if any."""
    faces = port.shape[0]
    fixed = {side for side in (port.shape[2:] if channels_first else port.shape[1:3]) if isinstance(side, int)}
    low, high = LR_PX
    if (isinstance(faces, int) and faces != 1) or len(fixed) > 1 or not all(low <= side <= high for side in fixed):
        raise CheckpointError(
            f"expected an ONNX network that takes one square crop of {low} to {high} px, "
            f"got {path.name!r} with the input {port.name} {port.shape}"
        )
    return next(iter(fixed), None)


def open_onnx_image_network(name: str, path: Path) -> ImageModel:
    """Any ONNX file with one image in and one image out, in ONNX Runtime on the CPU.

    Images are RGB, channels first or last, of any size or a fixed one; float32 and float16 mean [0, 1], uint8 means 0
    to 255.

    Raises:
        CheckpointError: not an ONNX file, or one with other inputs or outputs.
    """
    session = open_session(path)
    entry = _one_image(path, session.get_inputs(), "input")
    exit_ = _one_image(path, session.get_outputs(), "output")
    # Where neither place says 3, it is channels first, as torch exports it.
    channels_first = entry.shape[1] == 3 or entry.shape[3] != 3
    channels = entry.shape[1 if channels_first else 3]
    if isinstance(channels, int) and channels != 3:
        raise CheckpointError(
            f"expected 3 channels, (1, 3, H, W) or (1, H, W, 3), got {path.name!r} with the input {entry.name} "
            f"{entry.shape}"
        )
    side = _fixed_side(path, entry, channels_first)

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
        return _to_image(path, made)

    kind = f"ONNX network {path.name}"
    return ImageModel(name, kind, "onnxruntime", LR_PX if side is None else (side, side), enlarge, path)


def _cannot_take(path: Path, crop: NDArray[np.uint8], error: Exception) -> CheckpointError:
    why = " ".join(str(error).split())
    return CheckpointError(f"{path.name!r} cannot take a crop of {crop.shape[0]} px: {why}; try another `lr_size`")


def _to_image(path: Path, made: NDArray[Any]) -> NDArray[np.uint8]:
    """What a network gave -> (R, R, 3) uint8 RGB."""
    if made.ndim != 4 or made.shape[0] != 1 or 3 not in (made.shape[1], made.shape[3]):
        raise CheckpointError(f"expected an image out of {path.name!r}, (1, 3, H, W) or (1, H, W, 3), got {made.shape}")
    image = np.ascontiguousarray(made[0].transpose(1, 2, 0) if made.shape[1] == 3 else made[0])
    if image.shape[0] != image.shape[1]:
        raise CheckpointError(f"expected a square image of a square crop out of {path.name!r}, got {made.shape}")
    if image.dtype == np.uint8:
        return image
    image = image.astype(np.float32)
    # Ringing goes a little beyond; nothing goes tenfold.
    if not np.isfinite(image).all() or np.abs(image).max() > 10:
        raise CheckpointError(
            f"expected pixels in [0, 1] out of {path.name!r}, got {image.min():g} to {image.max():g}; "
            "put the scaling into the graph"
        )
    return to_uint8(image)
