"""Tracks: one face over the frames of a scene, with its crop, its landmarks, its decision and its fades."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import (
    ENLARGEMENT,
    Box,
    Square,
    intersection_over_union,
    landmark_box,
    square_of_box,
    to_photo,
)
from dicface.images.pixels import FACE_PX
from dicface.restoration.choice import FaceChoice
from dicface.restoration.mask import outline_mask
from dicface.restoration.quality import MIN_HEATMAP_CONFIDENCE
from dicface.restoration.results import Face, Outcome
from dicface.restoration.video.steadiness import FaceMotion, SteadyFace
from dicface.runtime.face_model import FaceSteps

LOST_SHARE = 0.8
"""Share of `MIN_HEATMAP_CONFIDENCE` below which a face is not seen in a frame."""
FADE_S = 0.2
"""Length of a fade."""
LONGEST_GAP_S = 0.6
"""Time for which a track waits for its face."""
_UNSEEN_LOOKS = 3
"""Number of searches in a row without the face after which its track ends."""
_CHANGED_LOOKS = 2
"""Number of searches in a row that disagree with a decision before it changes."""
_SIDE_SLACK = 0.08
"""Change of the side, as a share, before the crop follows."""
_CENTRE_SLACK_PX = 0.75
"""Distance of the centre before the crop follows."""
_LANDMARK_SHARE = 0.15
"""Share of a frame's landmarks in the average, where they agree with it."""
_MASK_SLACK = 0.02
"""Largest motion of a landmark, in sides of the crop, before the mask follows."""
_FAR = 0.05
"""Distance from the average, in sides of the crop, at which landmarks are taken as they are."""
_SAME_FACE, _SHARE_OF_LOOK = 0.2, 0.3


@dataclass
class Track:
    """A face over time. Its methods are called once for each frame.

    Attributes:
        box: of the last sight, brows to chin, in pixels of the clip.
        square: its crop, which moves only when the face has.
        outcome: the decision.
        number: its number in the report; 0 while it is doubtful.
        first, last: numbers of the frames in which it was seen, from 0.
        share: of the chosen strength, by the model's expected error.
        fade: present share of that, 0 to 1.
        score, probability: of the last search that found it.
        landmarks: (68, 2) float32 averaged landmarks in pixels of the clip; None unless restored.
        restored_frames: number of frames in which something of it was restored.
        looks: number of searches that found it.
        size_sum_px: sum of its sizes over these.
        is_over: it is not followed any more, and fades out.
        steady: its average.
    """

    box: Box
    square: Square
    outcome: Outcome
    first: int
    last: int
    steady: SteadyFace
    number: int = 0
    share: float = 1.0
    fade: float = 0.0
    score: float | None = None
    probability: float | None = None
    landmarks: NDArray[np.float32] | None = None
    restored_frames: int = 0
    looks: int = 0
    size_sum_px: float = 0.0
    is_over: bool = False
    _unseen: int = 0
    _contrary: int = 0
    _missing: int = 0
    _mask: tuple[NDArray[np.floating], NDArray[np.float32]] | None = None

    def mask(self, square: Square) -> NDArray[np.float32]:
        """Mask of the face in a crop, see `outline_mask`: the same until the landmarks have moved in it.

        Args:
            square: the crop.
        """
        assert self.landmarks is not None
        points = (self.landmarks - (square.left, square.top)) / square.side
        if self._mask is None or np.abs(points - self._mask[0]).max() > _MASK_SLACK:
            self._mask = points, outline_mask(self.landmarks, square)
        return self._mask[1]

    @property
    def is_restored(self) -> bool:
        """Whether the model runs for it: it is to be restored, or fades out."""
        return not self.is_over and (self.outcome is Outcome.RESTORED or self.fade > 0)

    @property
    def is_missing(self) -> bool:
        """Whether the last frame did not show it."""
        return self._missing > 0

    def see(self, face: Face, frame: int) -> None:
        """Take what a search found: the decision changes only after several searches agree."""
        self.score, self.probability, self.last = face.score, face.probability, frame
        self._unseen, self.looks, self.is_over = 0, self.looks + 1, False
        self.size_sum_px += face.size_px
        if self.landmarks is None or self.is_missing:
            self.box, self.square = face.box, face.square
        if self.is_missing:
            self.landmarks = face.landmarks
            self.steady.forget()
        if face.outcome is Outcome.RESTORED:
            self.share += (face.strength_share - self.share) * _SHARE_OF_LOOK
        self._contrary = self._contrary + 1 if face.outcome is not self.outcome else 0
        if self._contrary >= _CHANGED_LOOKS:
            self.outcome, self._contrary = face.outcome, 0

    def overlook(self) -> None:
        """Note that a search did not find the face."""
        self._unseen += 1
        if self._unseen >= _UNSEEN_LOOKS:
            self.is_over = True

    def follow(
        self, steps: FaceSteps, motion: FaceMotion, frame: int, *, longest_gap: int, face_px: int = FACE_PX
    ) -> None:
        """Follow the landmarks that the model found in the crop.

        Args:
            steps: the model's result for `square`.
            motion: of the picture in the crop.
            frame: number of the frame.
            face_px: side of the images in which the landmarks were found.
            longest_gap: number of frames after which a face that is not seen is given up.
        """
        if float(steps.heatmap_confidence[-1].mean()) < LOST_SHARE * MIN_HEATMAP_CONFIDENCE[face_px]:
            self._missing += 1
            self.is_over = self.is_over or self._missing > longest_gap
            return
        self._missing, self.last = 0, frame
        found = to_photo(steps.landmarks[-1], self.square, face_px)
        self.landmarks = found if self.landmarks is None else _averaged(motion(self.landmarks), found, self.square.side)
        self.box = landmark_box(self.landmarks)
        self.square = following_square(self.square, self.box)

    def fade_on(self, frames: int, *, at_once: bool = False) -> None:
        """Fade in or out by one frame.

        Args:
            frames: length of a fade.
            at_once: it is the first frame of a scene, before which there is nothing to fade from.
        """
        aim = 1.0 if self.outcome is Outcome.RESTORED and not self.is_missing and not self.is_over else 0.0
        step = 1.0 if at_once else 1.0 / max(1, frames)
        self.fade = min(aim, self.fade + step) if aim > self.fade else max(aim, self.fade - step)


def following_square(square: Square, box: Box) -> Square:
    """The crop for a face that is now at a box: the same until the face has moved or grown enough.

    Args:
        square: the crop of the frame before.
        box: about the landmarks, in pixels of the clip.
    """
    side = max(box.right - box.left, box.bottom - box.top) * ENLARGEMENT
    if abs(side / square.side - 1) > _SIDE_SLACK:
        return square_of_box(box)
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    corners = [middle - square.side / 2 for middle in (x, y)]
    left, top = (
        old if abs(corner - old) <= _CENTRE_SLACK_PX else round(corner)
        for corner, old in zip(corners, (square.left, square.top), strict=True)
    )
    return Square(left, top, square.side)


def matched(tracks: list[Track], faces: list[Face]) -> dict[int, int]:
    """Pairs of tracks and found faces by overlap, best first: positions of faces by positions of tracks."""
    overlaps = [
        (intersection_over_union(track.box, face.box), row, column)
        for row, track in enumerate(tracks)
        for column, face in enumerate(faces)
    ]
    pairs: dict[int, int] = {}
    for overlap, row, column in sorted(overlaps, reverse=True):
        if overlap >= _SAME_FACE and row not in pairs and column not in pairs.values():
            pairs[row] = column
    return pairs


def new_track(face: Face, frame: int, steady: SteadyFace) -> Track:
    """The track of a face that a search has found for the first time."""
    return Track(
        face.box,
        face.square,
        face.outcome,
        frame,
        frame,
        steady,
        share=face.strength_share,
        score=face.score,
        probability=face.probability,
        landmarks=face.landmarks,
        looks=1,
        size_sum_px=face.size_px,
    )


def chosen_outcome(track: Track, choice: FaceChoice) -> Outcome:
    """The decision about a track, by the numbers that were asked for, too."""
    not_chosen = track.outcome is Outcome.RESTORED and not choice.takes_number(track.number)
    return Outcome.NOT_CHOSEN if not_chosen else track.outcome


def _averaged(before: NDArray[np.floating], now: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Landmarks averaged over time: those that differ much from the average replace it."""
    distance = np.linalg.norm(now - before, axis=1, keepdims=True) / (_FAR * side)
    share = np.clip(distance, _LANDMARK_SHARE, 1)
    return (before + (now - before) * share).astype(np.float32)
