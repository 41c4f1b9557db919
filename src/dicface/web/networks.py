"""The operator's networks beside the face models: for larger faces, and for the background."""

import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dicface.errors import UsageError
from dicface.restoration.large_faces import LargeFaces, open_large_faces
from dicface.runtime.background import OVERLAP_PX, TILE_PX, BackgroundModel
from dicface.runtime.face_restorer import ALIGNED_PX, DEFAULT_FIDELITY


class AddedNetworks(NamedTuple):
    """Networks that the operator names when the server starts. A request uses those that its sender switches on.

    Attributes:
        large_faces: ONNX file of a restorer of aligned 512 px faces; None for none.
        background: file of a network for the rest of the photo; None for none.
        fidelity: of `large_faces`, see `AlignedFaceRestorer`.
    """

    large_faces: Path | None = None
    background: Path | None = None
    fidelity: float = DEFAULT_FIDELITY

    def chosen(self, *, large_faces: bool, background: bool) -> "AddedNetworks":
        """Those that are switched on.

        Args:
            large_faces, background: whether this network is wanted.

        Raises:
            UsageError: the operator has given no such network.
        """
        for name, wanted, path in (
            ("large_faces", large_faces, self.large_faces),
            ("background", background, self.background),
        ):
            if wanted and path is None:
                raise UsageError(f"expected no `{name}`: this server was started without a network for that")
        return self._replace(
            large_faces=self.large_faces if large_faces else None, background=self.background if background else None
        )


NO_NETWORKS = AddedNetworks()


class BackgroundWait(NamedTuple):
    """How long the network for the background takes.

    Attributes:
        s_per_megapixel: seconds for each megapixel of a photo before it is enlarged.
        limit_s: longest time of a request in seconds.
    """

    s_per_megapixel: float
    limit_s: float


@cache
def large_faces_of(path: Path, fidelity: float) -> LargeFaces:
    """The network for larger faces, loaded once and tried on a grey one."""
    opened = open_large_faces(path, fidelity=fidelity, provider="auto", threads=None, spinning=True)
    assert opened is not None
    opened.network(np.full((ALIGNED_PX, ALIGNED_PX, 3), 128, np.uint8), fidelity=fidelity)
    return opened


@cache
def background_of(path: Path) -> BackgroundModel:
    """The network for the background, loaded once."""
    return BackgroundModel(path)


def open_networks(networks: AddedNetworks) -> float | None:
    """Load the operator's networks in the worker's process, so that a wrong file is known before anyone waits for it.

    Returns:
        Seconds that the network for the background takes for a megapixel, measured; None without one.

    Raises:
        UsageError: no such file, or a fidelity out of its range.
        CheckpointError: a file of another kind.
    """
    if networks.large_faces is not None:
        large_faces_of(networks.large_faces, networks.fidelity)
    return None if networks.background is None else seconds_per_megapixel(background_of(networks.background))


def seconds_per_megapixel(network: BackgroundModel) -> float:
    """How long a network takes for a megapixel of a photo, measured with one tile."""
    tile = np.full((TILE_PX, TILE_PX, 3), 128, np.uint8)
    start = time.perf_counter()
    network(tile)
    # Of a tile of a larger photo, the overlap is computed twice.
    return (time.perf_counter() - start) / ((TILE_PX - OVERLAP_PX) ** 2 / 1e6)
