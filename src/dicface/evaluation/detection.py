"""Faces found in scenes, matched with those that are there."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dicface.data.scenes.labels import Scenes
from dicface.networks.face_finder import Peaks
from dicface.runtime.suppression import intersections_over_union, non_maximum_suppression

FOUND_OVERLAP = 0.5
"""Intersection over union from which a box found is that of a face."""


class Found(NamedTuple):
    """Detections in some scenes, matched with the labels.

    Attributes:
        scores: (P,) float64, of every face found.
        hits: (P,) bool, whether it is a face, and the first one found of it.
        faces: how many there were.
    """

    scores: NDArray[np.float64]
    hits: NDArray[np.bool_]
    faces: int

    @staticmethod
    def joined(parts: "Sequence[Found]") -> "Found":
        """Concatenate the detections of several batches."""
        scores, hits, faces = zip(*parts, strict=True)
        return Found(np.concatenate(scores), np.concatenate(hits), sum(faces))


def _edges(rows: Tensor) -> NDArray[np.float32]:
    """(K, 5) rows of scene number, centre and size -> (K, 4) left, top, right, bottom."""
    centres, halves = rows[:, 1:3], rows[:, 3:5] / 2
    return torch.cat([centres - halves, centres + halves], dim=1).cpu().numpy()


def match_faces(peaks: Peaks, scenes: Scenes, min_score: float = 0.02) -> Found:
    """Compare what was found with what there is; what lies on an ignored face is left out.

    Args:
        peaks: what was found in the scenes.
        scenes: what is in them.
        min_score: what scores less is left out.
    """
    rows: list[tuple[float, bool]] = []
    for number in range(len(scenes.images)):
        there = peaks.scores[number] > min_score
        scores = peaks.scores[number][there].double().cpu().numpy()
        boxes = peaks.boxes[number][:, there].T.float().cpu().numpy()
        faces, ignored = (_edges(of[of[:, 0] == number]) for of in (scenes.faces, scenes.ignored))
        taken = np.zeros(len(faces), dtype=bool)
        for at in non_maximum_suppression(boxes, scores).tolist():
            overlaps = np.where(taken, 0.0, intersections_over_union(boxes[at], faces))
            best = int(overlaps.argmax()) if len(faces) else -1
            hit = best >= 0 and bool(overlaps[best] >= FOUND_OVERLAP)
            taken[best : best + 1] |= hit
            if hit or not (intersections_over_union(boxes[at], ignored) > FOUND_OVERLAP / 2).any():
                rows.append((float(scores[at]), hit))
    scores_of, hits = zip(*rows, strict=True) if rows else ((), ())
    return Found(np.array(scores_of, dtype=np.float64), np.array(hits, dtype=np.bool_), len(scenes.faces))
