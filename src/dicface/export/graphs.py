"""Export of networks to ONNX, with a numerical comparison against torch."""

import logging
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dicface.data.packs import read_pack
from dicface.errors import CheckpointError
from dicface.export.eight_bits import keep_in_eight_bits
from dicface.export.fold import for_inference
from dicface.files import written_whole
from dicface.images.pixels import FACE_PX, LARGE_FACE_PX, resize, to_network
from dicface.networks.blocks import channel_means
from dicface.networks.dic import DICNetwork
from dicface.networks.face_finder import MULTIPLE, Finder, Peaks, decode_peaks
from dicface.networks.stacked_hourglass import StackedHourglass
from dicface.runtime.backends import OnnxRuntimeBackend
from dicface.runtime.sessions import open_session

OPSET = 20
MAX_DIFFERENCE = 1e-3
_COMPARED_PX = {FACE_PX: (8, 13, 16, 31, 48, 64), LARGE_FACE_PX: (32, 57, 100, 256)}
"""Sides of the crops that an any-size network is compared on, by the side of its results."""
_FACES = torch.export.Dim("faces", min=1, max=4096)


class _Graph(nn.Module):
    """The exported restoration network: images are clipped to [0, 1]."""

    def __init__(self, network: DICNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor) -> tuple[Tensor, Tensor]:
        output = self.network(lr)
        return output.sr.clamp(0, 1), output.heatmaps


Locator = StackedHourglass | Finder
"""Networks that locate: landmarks in a face, faces in a photo."""


class LandmarkGraph(nn.Module):
    """The exported landmark network: channel means are subtracted inside; the last stack's heatmaps are the output."""

    means: Tensor

    def __init__(self, network: StackedHourglass) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("means", channel_means(), persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """(N, 3, 128, 128) float RGB in [0, 1] -> (N, 68, 32, 32) float."""
        return (self.network(image - self.means)[-1],)


class FinderGraph(nn.Module):
    """The finder as any caller wants it: plain images in, scores, boxes and landmarks in their pixels out."""

    def __init__(self, network: Finder) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Peaks:
        """(N, 3, H, W) float RGB in [0, 1] -> scores, boxes and landmarks, see `Peaks`."""
        return decode_peaks(self.network(image))


@dataclass(frozen=True)
class ExportDifference:
    """Largest absolute differences between the ONNX file and torch, both float32 on the CPU.

    Attributes:
        faces: number of faces compared.
        sr, heatmaps: largest differences, in units of the outputs' range [0, 1].
    """

    faces: int
    sr: float
    heatmaps: float

    @property
    def passed(self) -> bool:
        """Whether both differences are below 1e-3."""
        return max(self.sr, self.heatmaps) < MAX_DIFFERENCE


@contextmanager
def _quiet(logger: logging.Logger) -> Generator[None]:
    """Silence a logger except for errors."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def export_onnx(network: DICNetwork, path: Path) -> None:
    """Write a network as ONNX: input `lr`, outputs `sr` and `heatmaps`.

    Shapes, float32: `lr` (N, 3, S, S) RGB in [0, 1]; `sr` (N, T, 3, R, R) in [0, 1]; `heatmaps` (N, T, 68, R/4, R/4).
    R is 128 or 256. N is dynamic, and so is S from 8 to 64, or 32 to 256, for any-size networks; the paper's take
    S = 16.

    Args:
        network: in evaluation mode.
        path: the file; replaced in one step if it exists.
    """
    any_size = network.config.stem == "any-size"
    low, high = network.config.lr_px
    side = torch.export.Dim("side", min=low, max=high) if any_size else 16
    example = low + 16 if any_size else 16
    shape = {0: _FACES, 2: side, 3: side} if any_size else {0: _FACES}
    _write_graph(
        _Graph(for_inference(network)),
        path,
        {"lr": torch.rand(2, 3, example, example)},
        ["sr", "heatmaps"],
        {"lr": shape},
    )


def export_locator(network: Locator, path: Path) -> None:
    """Write a network that finds landmarks, or faces, as ONNX.

    Shapes, float32: input `image` (N, 3, 128, 128) RGB in [0, 1] and output `heatmaps` (N, 68, 32, 32), of the last
    stack; or input `image` (N, 3, H, W), H and W divisible by 32, and outputs `score` (N, H/4, W/4), `box` (N, 4, H/4,
    W/4) and `points` (N, 10, H/4, W/4), see `Peaks`. N, H and W are dynamic.

    Args:
        network: in evaluation mode.
        path: the file; replaced in one step if it exists.
    """
    if isinstance(network, StackedHourglass):
        image, shape = torch.rand(2, 3, FACE_PX, FACE_PX), {0: _FACES}
        _write_graph(LandmarkGraph(network), path, {"image": image}, ["heatmaps"], {"image": shape})
        return
    image = torch.rand(2, 3, 64, 96)
    rows, columns = (MULTIPLE * torch.export.Dim(name, max=512) for name in ("rows", "columns"))
    shape = {0: _FACES, 2: rows, 3: columns}
    _write_graph(FinderGraph(network), path, {"image": image}, ["score", "box", "points"], {"image": shape})


def _write_graph(
    graph: nn.Module, path: Path, example: dict[str, Tensor], outputs: list[str], shapes: dict[str, Any]
) -> None:
    with warnings.catch_warnings(), _quiet(logging.getLogger("torch.onnx")):
        # The exporter warns of its own internals.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph.eval(),
            tuple(example.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(example),
            output_names=outputs,
            dynamic_shapes=shapes,
            verbose=False,
        )
    assert program is not None
    model = program.model
    # The exporter notes source files and lines on every node and value.
    for node in model.graph:
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
    for value in model.graph.inputs:
        value.metadata_props.clear()
    with written_whole(path) as part:
        program.save(part, include_initializers=True)


def compare_with_torch(network: DICNetwork, path: Path, crops: list[NDArray[np.uint8]]) -> ExportDifference:
    """Compare the results of an ONNX file with torch's.

    Args:
        network: the exported network.
        path: the ONNX file.
        crops: (N, S, S, 3) uint8 RGB each, of any S that the network takes.
    """
    backend = OnnxRuntimeBackend(path)
    worst_sr = worst_heatmaps = 0.0
    for faces in crops:
        lr = to_network(faces)
        with torch.inference_mode():
            wanted = _Graph(network)(torch.from_numpy(lr))
        got = backend(lr)
        worst_sr = max(worst_sr, float(np.abs(got.sr - wanted[0].numpy()).max()))
        worst_heatmaps = max(worst_heatmaps, float(np.abs(got.heatmaps - wanted[1].numpy()).max()))
    return ExportDifference(sum(len(faces) for faces in crops), worst_sr, worst_heatmaps)


def export_checked(
    network: DICNetwork, path: Path, crops: list[NDArray[np.uint8]], *, eight_bits: bool = False
) -> ExportDifference:
    """Write a network as ONNX after checking its results against torch's.

    Args:
        network, path: see `export_onnx`.
        crops: see `compare_with_torch`.
        eight_bits: then round the weights, see `keep_in_eight_bits`; `compare_with_torch` says what that changes.

    Returns:
        The differences, before any rounding.

    Raises:
        CheckpointError: results differ by 1e-3 or more; no file is written.
    """
    with written_whole(path) as part:
        export_onnx(network, part)
        result = compare_with_torch(network, part, crops)
        if not result.passed:
            raise CheckpointError(
                f"expected the ONNX file to differ from torch by less than {MAX_DIFFERENCE}, got {result}"
            )
        if eight_bits:
            keep_in_eight_bits(part)
    return result


def export_locator_checked(network: Locator, path: Path, faces: NDArray[np.uint8]) -> dict[str, float]:
    """Write a landmark network or face finder as ONNX after checking its results against torch's.

    Args:
        network, path: see `export_locator`.
        faces: (N, 128, 128, 3) uint8 RGB to compare on.

    Returns:
        Largest difference of each output, by name; those of `box` and `points` in pixels.

    Raises:
        CheckpointError: results differ by 1e-3 or more; no file is written.
    """
    image = to_network(faces)
    graph = LandmarkGraph(network) if isinstance(network, StackedHourglass) else FinderGraph(network)
    with torch.inference_mode():
        wanted = graph(torch.from_numpy(image))
    with written_whole(path) as part:
        export_locator(network, part)
        session = open_session(part)
        got = session.run(None, {"image": image})
        differences = {
            port.name: float(np.abs(np.asarray(mine) - whole.numpy()).max())
            for port, mine, whole in zip(session.get_outputs(), got, wanted, strict=True)
        }
        if not max(differences.values()) < MAX_DIFFERENCE:
            raise CheckpointError(
                f"expected the ONNX file to differ from torch by less than {MAX_DIFFERENCE}, got {differences}"
            )
    return differences


def comparison_faces(pack: Path | None, faces: int = 8) -> NDArray[np.uint8]:
    """Faces for a comparison.

    Args:
        pack: face pack to take them from; None generates smooth coloured images.
        faces: N, number of faces.

    Returns:
        (N, 128, 128, 3) uint8 RGB.
    """
    if pack is not None:
        return read_pack(pack, faces).nominal()[0]
    rough = np.random.default_rng(0).integers(0, 256, (faces, 6, 6, 3), dtype=np.uint8)
    return np.stack([resize(picture, (FACE_PX, FACE_PX)) for picture in rough])


def comparison_crops(network: DICNetwork, hr: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Resize faces to sizes that the network takes, smallest and largest included.

    Args:
        network: determines the sizes.
        hr: (N, R, R, 3) uint8 RGB.

    Returns:
        (N, S, S, 3) uint8 RGB for each S.
    """
    sizes = (16,) if network.config.stem == "paper" else _COMPARED_PX[network.config.output_px]
    return [np.stack([resize(face, (size, size)) for face in hr]) for size in sizes]
