"""Restoring of frames, one after the other, in constant memory."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.detection import Detector
from dicface.faces.geometry import Square, cut
from dicface.faces.verification import Verification
from dicface.restoration.choice import FaceChoice
from dicface.restoration.passes import FacePasses, model_crop
from dicface.restoration.paste import match_colours, paste
from dicface.restoration.results import Face, Outcome
from dicface.restoration.search import find_faces
from dicface.restoration.sized_models import SizedModels
from dicface.restoration.stages import Stages
from dicface.restoration.video.results import FaceTrack
from dicface.restoration.video.scenes import SceneCuts
from dicface.restoration.video.steadiness import SteadyFace
from dicface.restoration.video.tracks import FADE_S, LONGEST_GAP_S, Track, chosen_outcome, matched, new_track
from dicface.runtime.face_model import FaceModel, FaceSteps

SEARCH_EVERY_S = 0.32
"""Time between two searches for faces; 8 frames at 25 a second."""
_SEARCH_LOST = 3
"""Least number of frames between two searches for a face that was lost."""
_Masks = dict[int, NDArray[np.float32]]


@dataclass(frozen=True, repr=False)
class RestoredFrame:
    """A restored frame.

    Attributes:
        image: (round(H * scale), round(W * scale), 3) uint8 RGB.
        faces: the faces in it. A number is that of a track: a face keeps it over the frames of a scene. `steps` has one
            step, the face as it was blended in, averaged over time; None if it was not blended in.
        is_cut: whether the frame begins a scene.
    """

    image: NDArray[np.uint8]
    faces: tuple[Face, ...]
    is_cut: bool

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        return f"RestoredFrame({width}x{height} px, {len(self.faces)} faces)"


class FrameRestorer:
    """Restores the frames of one clip. It holds the tracks, and no frames.

    Args:
        models: the face models.
        detect: the detector.
        verify: judges detections.
        enlarge: enlarges a frame to a width and a height.
        choice: which faces are restored. Numbers are those of tracks.
        scale: enlargement of the frames.
        rate: frames a second, by which times become numbers of frames.
        make_average: makes the average of one face.

    Attributes:
        tracks: of faces that are no longer seen, or not yet judged, too.
        stages: time by stage.
    """

    def __init__(
        self,
        models: SizedModels,
        detect: Detector,
        verify: Verification,
        enlarge: Callable[[NDArray[np.uint8], tuple[int, int]], NDArray[np.uint8]],
        *,
        choice: FaceChoice,
        scale: float,
        rate: float,
        make_average: Callable[[], SteadyFace] = SteadyFace,
    ) -> None:
        if not 0 < rate <= 1000:
            raise UsageError(f"expected a rate above 0 and up to 1000 frames a second, got {rate:g}")
        self._models, self._detect, self._verify = models, detect, verify
        self._passes, self._enlarge = FacePasses(models, verify), enlarge
        self._choice, self._scale, self._make_average = choice, scale, make_average
        # Numbers are those of tracks, which a single frame does not know.
        self._frame_choice = replace(choice, strength=1.0, faces=None)
        self._every, self._fade, self._gap = (
            max(1, round(time_s * rate)) for time_s in (SEARCH_EVERY_S, FADE_S, LONGEST_GAP_S)
        )
        self._cuts = SceneCuts()
        self._frame, self._searched, self._numbered = 0, -1, 0
        self._now: list[Track] = []
        self._over: list[FaceTrack] = []
        self.stages = Stages()

    @property
    def tracks(self) -> tuple[FaceTrack, ...]:
        """The faces so far, in the order of their numbers."""
        rows = [*self._over, *(self._row(track) for track in self._now if track.number)]
        return tuple(sorted(rows, key=lambda row: row.number))

    def __call__(self, pixels: NDArray[np.uint8]) -> RestoredFrame:
        """Restore the next frame.

        Args:
            pixels: (H, W, 3) uint8 RGB, upright.
        """
        is_cut = self._cuts(pixels)
        if is_cut:
            self._end(self._now)
        lost = any(track.is_missing for track in self._now)
        since = self._frame - self._searched
        if is_cut or since >= self._every or (lost and since >= _SEARCH_LOST):
            with self.stages.measure("detect"):
                self._search(pixels)
        with self.stages.measure("restore"):
            faces, masks = self._restored(pixels, at_once=is_cut)
        with self.stages.measure("paste"):
            image = self._pasted(pixels, faces, masks)
        self._end([track for track in self._now if track.is_over and track.fade <= 0])
        self._frame += 1
        return RestoredFrame(image, faces, is_cut)

    def _end(self, tracks: Iterable[Track]) -> None:
        ended = list(tracks)
        self._over += [self._row(track) for track in ended if track.number]
        self._now = [track for track in self._now if not any(track is other for other in ended)]

    def _row(self, track: Track) -> FaceTrack:
        outcome = chosen_outcome(track, self._choice)
        strength = self._choice.strength_of(track.number) * track.share if outcome is Outcome.RESTORED else 0.0
        return FaceTrack(
            track.number,
            outcome,
            track.first,
            track.last,
            track.restored_frames,
            track.size_sum_px / track.looks,
            strength,
            track.probability,
        )

    def _search(self, pixels: NDArray[np.uint8]) -> None:
        """Search a frame, and bring tracks and found faces together."""
        located = find_faces(pixels, self._detect, self._verify)
        faces = list(self._passes(pixels, located, choice=self._frame_choice))
        pairs = matched(self._now, faces)
        for row, track in enumerate(self._now):
            if row in pairs:
                track.see(faces[pairs[row]], self._frame)
            else:
                track.overlook()
        for column, face in enumerate(faces):
            if column not in pairs.values():
                self._now.append(new_track(face, self._frame, self._make_average()))
        for track in self._now:
            if not track.number and track.outcome is not Outcome.DOUBTFUL:
                self._numbered += 1
                track.number = self._numbered
        self._searched = self._frame

    def _restored(self, pixels: NDArray[np.uint8], *, at_once: bool) -> tuple[tuple[Face, ...], _Masks]:
        """Run the model over all faces of the frame, and average each over time; also their masks by number."""
        running = [track for track in self._now if track.is_restored and self._choice.takes_number(track.number)]
        squares = [track.square for track in running]
        made, masks = dict[int, Face](), _Masks()
        for track, square, (model, steps) in zip(running, squares, self._run(pixels, squares), strict=True):
            shown = cut(pixels, square)
            step = track.steady(match_colours(steps.sr[-1], shown), shown, square)
            track.follow(steps, step.motion, self._frame, face_px=model.face_px, longest_gap=self._gap)
            track.fade_on(self._fade, at_once=at_once)
            track.restored_frames += track.fade > 0
            masks[track.number] = track.mask(square)
            made[track.number] = replace(
                self._face(track, square),
                landmarks=track.landmarks,
                steps=step.face[None] if track.fade > 0 else None,
                strength=self._choice.strength_of(track.number) * track.share * track.fade,
                strength_share=track.share * track.fade,
                model=self._models.said_of(model),
            )
        others = {track.number: self._face(track, track.square) for track in self._now if track.number not in made}
        faces = tuple(made.get(number) or others[number] for number in sorted({*made, *others}) if number)
        return faces, masks

    def _run(self, pixels: NDArray[np.uint8], squares: Sequence[Square]) -> list[tuple[FaceModel, FaceSteps]]:
        """Run over each crop the model for its size; those of one model go together."""
        models = [self._models.for_side(square.side) for square in squares]
        results: dict[int, FaceSteps] = {}
        for model in dict.fromkeys(models):
            numbers = [number for number, each in enumerate(models) if each is model]
            crops = [model_crop(pixels, model, squares[number]) for number in numbers]
            results |= dict(zip(numbers, model(crops), strict=True))
        return [(model, results[number]) for number, model in enumerate(models)]

    def _face(self, track: Track, square: Square) -> Face:
        outcome = chosen_outcome(track, self._choice)
        return Face(
            track.box,
            track.score,
            outcome,
            square,
            probability=track.probability,
            number=track.number,
            strength=0.0,
        )

    def _pasted(self, pixels: NDArray[np.uint8], faces: Collection[Face], masks: _Masks) -> NDArray[np.uint8]:
        height, width = pixels.shape[:2]
        size = (round(width * self._scale), round(height * self._scale))
        canvas = np.array(pixels if size == (width, height) else self._enlarge(pixels, size))
        scale = (size[0] / width, size[1] / height)
        for face in faces:
            if face.steps is not None:
                paste(
                    canvas,
                    face.steps[-1],
                    face.square,
                    scale,
                    mask=masks[face.number],
                    strength=face.strength,
                )
        return canvas
