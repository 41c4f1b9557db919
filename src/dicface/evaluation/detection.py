"""Faces found in scenes, matched with those that are there."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dicface.data.scenes import Scenes
from dicface.networks.face_finder import STRIDE


class Found(NamedTuple):
    """What was found in some scenes.

    Attributes:
        chances: (P,) float64, of every place found.
        hits: (P,) bool, whether it is a face, and the first one found of it.
        faces: how many there were.
    """

    chances: NDArray[np.float64]
    hits: NDArray[np.bool_]
    faces: int

    @staticmethod
    def joined(parts: "Sequence[Found]") -> "Found":
        """What was found in all of them."""
        chances, hits, faces = zip(*parts, strict=True)
        return Found(np.concatenate(chances), np.concatenate(hits), sum(faces))


def match_faces(chances: Tensor, sides: Tensor, scenes: Scenes, least: float = 0.01) -> Found:
    """Compare what was found with what there is; what lies on a doubtful face is left out.

    Args:
        chances, sides: what was found in the scenes, see `probable`.
        scenes: what is in them.
        least: probability under which nothing counts as found.
    """
    chances, sides = chances.cpu(), sides.cpu()
    faces, doubtful = scenes.faces.cpu(), scenes.doubtful.cpu()
    taken = torch.zeros(len(faces), dtype=torch.bool)
    rows: list[tuple[float, bool]] = []
    order = torch.nonzero(chances > least)
    for at in order[chances[tuple(order.T)].argsort(descending=True)].tolist():
        number, (y, x) = at[0], ((cell + 0.5) * STRIDE for cell in at[1:])
        side = float(sides[tuple(at)])

        def near(those: Tensor, number: int = number, x: float = x, y: float = y) -> Tensor:
            off = torch.maximum((those[:, 1] - x).abs(), (those[:, 2] - y).abs())
            return (those[:, 0] == number) & (off < 0.4 * those[:, 3])

        wanted = near(faces) & ~taken & ((faces[:, 3] / side).log2().abs() < 0.5)
        if wanted.any():
            taken[wanted.nonzero()[0]] = True
            rows.append((float(chances[tuple(at)]), True))
        elif not near(doubtful).any():
            rows.append((float(chances[tuple(at)]), False))
    found, hits = zip(*rows, strict=True) if rows else ((), ())
    return Found(np.array(found, dtype=np.float64), np.array(hits, dtype=np.bool_), len(faces))
