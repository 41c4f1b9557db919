"""Restorers of aligned 512 px faces by other people, as ONNX files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicface.errors import CheckpointError, UsageError
from dicface.files import file_digest
from dicface.images.pixels import to_uint8
from dicface.runtime.providers import ProviderName
from dicface.runtime.sessions import open_session

ALIGNED_PX = 512
"""Side of an aligned face."""
DEFAULT_FIDELITY = 0.5
_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class AlignedFaceRestorer:
    """Restores 512 px faces aligned to the template of FFHQ, in ONNX Runtime. May be shared between threads.

    Attributes:
        name: the file's name.
        sha256: SHA-256 of the file in hex.
    """

    def __init__(
        self, path: str | Path, *, provider: ProviderName = "auto", threads: int | None = None, spinning: bool = True
    ) -> None:
        """Load a file with one image input and, where there is a second one, a single number as fidelity.

        The image is (1, 3, 512, 512) RGB in [-1, 1], and so is the first output. Which input is which follows from
        their shapes.

        Args:
            path: the file.
            provider, threads, spinning: see `open_session`.

        Raises:
            UsageError: there is no such file.
            CheckpointError: not an ONNX file, or one with other inputs.
        """
        path = Path(path)
        if not path.is_file():
            raise UsageError(f"expected an ONNX file as `large_faces`, there is none at {str(path)!r}")
        self.name, self.sha256 = path.name, file_digest(path)
        self._session = open_session(path, threads=threads, spinning=spinning, provider=provider)
        ports = self._session.get_inputs()
        images = [port for port in ports if len(port.shape) == 4]
        numbers = [port for port in ports if len(port.shape) < 2]
        if len(images) != 1 or len(numbers) > 1 or len(ports) > 2 or not _takes_faces(images[0]):
            got = ", ".join(f"{port.name} {port.type} {port.shape}" for port in ports)
            raise CheckpointError(
                f"expected a face restorer with an image input (1, 3, {ALIGNED_PX}, {ALIGNED_PX}) and at most a "
                f"number beside it, got {path.name!r} with {got}"
            )
        self._image, self._number = images[0], numbers[0] if numbers else None
        self._exit = self._session.get_outputs()[0].name

    @property
    def has_fidelity(self) -> bool:
        """Whether the network has an input for fidelity."""
        return self._number is not None

    def __call__(self, face: NDArray[np.uint8], *, fidelity: float = DEFAULT_FIDELITY) -> NDArray[np.uint8]:
        """Restore a face.

        Args:
            face: (512, 512, 3) uint8 RGB, aligned.
            fidelity: 0 to 1, more is nearer to the input; networks without that input ignore it.

        Returns:
            (512, 512, 3) uint8 RGB.

        Raises:
            UsageError: another shape.
            CheckpointError: the network gives no such image.
        """
        if face.shape != (ALIGNED_PX, ALIGNED_PX, 3) or face.dtype != np.uint8:
            raise UsageError(f"expected a face of ({ALIGNED_PX}, {ALIGNED_PX}, 3) uint8, got {face.dtype} {face.shape}")
        image = (face.transpose(2, 0, 1)[None] / np.float32(127.5) - 1).astype(_FLOATS[self._image.type])
        fed: dict[str, NDArray[Any]] = {self._image.name: np.ascontiguousarray(image)}
        if self._number is not None:
            # A scalar where the shape is empty, else a vector of one number.
            number = np.asarray(fidelity, _FLOATS[self._number.type])
            fed[self._number.name] = number.reshape((1,) * len(self._number.shape))
        try:
            made = np.asarray(self._session.run([self._exit], fed)[0], dtype=np.float32)
        except Exception as error:  # its exceptions share no base but this
            raise CheckpointError(f"{self.name!r} does not run: {' '.join(str(error).split())}") from error
        if made.shape != (1, 3, ALIGNED_PX, ALIGNED_PX) or not np.isfinite(made).all():
            raise CheckpointError(
                f"expected finite (1, 3, {ALIGNED_PX}, {ALIGNED_PX}) out of {self.name!r}, got {made.shape}"
            )
        return to_uint8((made[0].transpose(1, 2, 0) + 1) / 2)


def _takes_faces(port: Any) -> bool:
    fits = all(not isinstance(got, int) or got == side for got, side in zip(port.shape, (1, 3, 512, 512), strict=True))
    return fits and port.type in _FLOATS
