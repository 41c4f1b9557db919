"""Sharp twins: how the weights of a faithful network change on the way to its sharp one (ADR 45, ADR 48).

A twin's file holds the differences of those weights that differ, and where in the faithful network's ONNX file they
lie. Any share of them can be added, so that one small file gives every sharpness, to any runtime and without torch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.errors import CheckpointError
from dicface.runtime.cards import SharpResult

TWIN_SUFFIX = ".npz"


class SharpTwin(NamedTuple):
    """Differences of weights, sharp network less faithful one.

    Attributes:
        offsets: (K,) int64, byte in the faithful network's ONNX file at which each tensor begins.
        counts: (K,) int64, number of elements of each.
        differences: float16, those of all tensors in the same order.
    """

    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]
    differences: NDArray[np.float16]


def write_twin(path: Path, twin: SharpTwin) -> None:
    """Write a twin's file, a NumPy archive."""
    with path.open("wb") as file:
        np.savez(file, **twin._asdict())


def read_twin(path: Path) -> SharpTwin:
    """Read a twin's file.

    Raises:
        CheckpointError: not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            twin = SharpTwin(*(file[name] for name in SharpTwin._fields))
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise CheckpointError(f"expected the file of a sharp twin, could not read {str(path)!r}: {error}") from error
    if twin.offsets.shape != twin.counts.shape or twin.counts.sum() != twin.differences.size:
        raise CheckpointError(
            f"expected the file of a sharp twin, got {str(path)!r} with parts that do not fit together"
        )
    return twin


def mixed_graph(graph: bytes, twin: SharpTwin, sharpness: float) -> bytes:
    """The ONNX file of a network between a faithful one and its sharp twin.

    Args:
        graph: the faithful network's ONNX file.
        twin: what leads from it to the sharp network.
        sharpness: share of the way, 0 to 1.

    Returns:
        The file with weights of faithful + sharpness * difference, in float32.
    """
    mixed = np.frombuffer(bytearray(graph), np.uint8)
    parts = np.split(twin.differences, np.cumsum(twin.counts)[:-1])
    for offset, part in zip(twin.offsets.tolist(), parts, strict=True):
        place = mixed[offset : offset + 4 * part.size]
        weights = np.frombuffer(place.tobytes(), "<f4") + np.float32(sharpness) * part.astype(np.float32)
        place[:] = np.frombuffer(weights.astype("<f4").tobytes(), np.uint8)
    return mixed.tobytes()


def invented_detail(measured: Sequence[SharpResult], sharpness: float, side: int) -> float:
    """Detail that a model invents for a crop, from what was measured of it and its sharp twin.

    Args:
        measured: at every combination of some sides and some values of sharpness.
        sharpness: share of the way to the twin, 0 to 1.
        side: of the crop, in pixels. Between those that were measured, the share runs straight over the logarithm of
            the side; outside of them it is that of the nearest.

    Returns:
        See `SharpResult.invented`.
    """
    sides = sorted({row.lr_size for row in measured})
    at_sides: list[float] = []
    for each in sides:
        rows = sorted((row for row in measured if row.lr_size == each), key=lambda row: row.sharpness)
        at_sides.append(float(np.interp(sharpness, [row.sharpness for row in rows], [row.invented for row in rows])))
    return float(np.interp(np.log2(side), np.log2(sides), at_sides))
