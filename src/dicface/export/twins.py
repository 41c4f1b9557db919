"""What leads from the ONNX file of a faithful network to that of its sharp twin."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from dicface.errors import CheckpointError
from dicface.runtime.sharp_twins import SharpTwin


def twin_of(faithful: Path, sharp: Path) -> SharpTwin:
    """Compare two ONNX files of the same network with different weights.

    Args:
        faithful, sharp: files that `export_onnx` wrote.

    Raises:
        CheckpointError: they are not of the same network, or a weight cannot be found in the file.
    """
    content = faithful.read_bytes()
    before, after = _weights(onnx.load_from_string(content)), _weights(onnx.load(str(sharp)))
    if [(name, values.shape) for name, values in before.items()] != [(name, one.shape) for name, one in after.items()]:
        raise CheckpointError(f"expected two files of the same network, got {str(faithful)!r} and {str(sharp)!r}")
    raws = {name: values.astype("<f4").tobytes() for name, values in before.items()}
    # Weights that every step uses may be stored once for each. They lie in the file in the order of the tensors.
    times, searched = Counter(raws.values()), dict.fromkeys(raws.values(), 0)
    offsets: list[int] = []
    differences: list[NDArray[np.float16]] = []
    for name, values in before.items():
        raw = raws[name]
        place = content.find(raw, searched[raw])
        searched[raw] = place + 1
        if np.array_equal(values, after[name]):
            continue
        if content.count(raw) != times[raw]:
            raise CheckpointError(f"expected the float32 weights {name!r} once for each tensor in {str(faithful)!r}")
        offsets.append(place)
        differences.append((after[name] - values).ravel().astype(np.float16))
    counts = np.array([part.size for part in differences], np.int64)
    return SharpTwin(np.array(offsets, np.int64), counts, np.concatenate(differences))


def _weights(model: onnx.ModelProto) -> dict[str, NDArray[np.float32]]:
    """Its tensors of float32; weights are of that type, and shapes and indices of others."""
    tensors = (tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT)
    return {tensor.name: np.asarray(numpy_helper.to_array(tensor), np.float32) for tensor in tensors}
