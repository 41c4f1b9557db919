"""Restorer: find the small faces of a photo, restore them and paste them into the enlarged photo."""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.detection import Detector, make_detector
from dicface.faces.geometry import Box
from dicface.faces.names import DEFAULT_DETECTOR
from dicface.faces.verification import make_verification
from dicface.images.photo import ImageLike, read_pixels
from dicface.images.xmp import Provenance
from dicface.restoration.choice import FaceChoice, Strength
from dicface.restoration.crops import CropMethods
from dicface.restoration.face_work import FaceWork
from dicface.restoration.large_faces import LargeFaces, open_large_faces
from dicface.restoration.output import restored_by
from dicface.restoration.passes import FacePasses, check_passes
from dicface.restoration.paste import blend_faces, face_layer
from dicface.restoration.results import Face, FoundFaces, Restoration
from dicface.restoration.scale import Scale, check_scale, scale_for
from dicface.restoration.sized_models import SizedModels
from dicface.restoration.stages import Stages
from dicface.restoration.video.methods import ClipMethods
from dicface.runtime.background import BackgroundModel, enlarge_to
from dicface.runtime.face_model import FaceModel
from dicface.runtime.face_restorer import DEFAULT_FIDELITY
from dicface.runtime.models import DEFAULT_MODEL
from dicface.runtime.providers import BackendName, ProviderName


class Restorer(CropMethods, ClipMethods):
    """Restores small faces in photos. Holds a model and a detector and no other state; may be shared between threads.

    Attributes:
        model: the face model. `lite` has a larger model beside it, `lite-256`, for crops from 32 px on.
        settings: hashes of the models, detector and its limit: all that decides a result besides a call's arguments.
    """

    def __init__(
        self,
        model: str | Path | FaceModel = DEFAULT_MODEL,
        *,
        backend: BackendName = "auto",
        provider: ProviderName = "auto",
        detector: str | Detector = DEFAULT_DETECTOR,
        detector_threshold: float | None = None,
        threads: int | None = None,
        several: bool = False,
        large_faces: str | Path | None = None,
        fidelity: float = DEFAULT_FIDELITY,
        background: str | Path | None = None,
        sharpness: float | None = None,
    ) -> None:
        """Load the model and the detector.

        Args:
            model: name of an embedded model (`dicface models` lists them), path of a model file, or a loaded model.
            backend: auto takes what is fastest here (ADR 22). A loaded model has one already.
            provider: processor of ONNX Runtime, and of torch (cpu or cuda); auto takes a GPU where one can be used
                (ADR 22). A loaded model has one already.
            detector: face (the embedded network), dlib, dlib-fast or dlib-thorough (see `make_detector`), or any
                `Detector`, whose detections are all taken for faces unless it is a `FaceDetector`.
            detector_threshold: least probability of a face, 0 to 1; None takes that of the face finder's card. For
                other detectors it is the least score, and None sets no limit.
            threads: threads of each network; None takes one for each core. See `FaceModel` for torch.
            several: photos will be restored several at a time: threads that wait leave the cores to others.
            large_faces: ONNX file of a restorer of aligned 512 px faces, for faces that are too large for the model
                (docs/other-networks.md); None leaves these alone.
            fidelity: of `large_faces`, 0 to 1: more is nearer to the photo; ignored by networks without that input.
            background: file of a network for the rest of the photo, see `BackgroundModel`; None takes Pillow's filter.
            sharpness: 0 to 1: more detail, and more of it invented; see `FaceModel`. It changes no outcome. None takes
                0.5 where the model has a sharp twin (`DEFAULT_SHARPNESS`).

        Raises:
            UnknownModelError: no such model.
            UsageError: no such backend, provider or detector, or it is not installed; a threshold that is no
                probability; a sharpness that the model does not have; or a backend beside a loaded model.
            CheckpointError: the file is not a model.
        """
        if not isinstance(model, FaceModel):
            model = FaceModel(model, backend=backend, provider=provider, threads=threads, spinning=not several)
        elif backend != "auto":
            raise UsageError(f"expected no `backend` beside a loaded model, which has its own, got {backend!r}")
        self.model = model
        self._models = SizedModels(
            model, backend=backend, provider=provider, threads=threads, spinning=not several, sharpness=sharpness
        )
        self._detect = make_detector(detector, threads=threads, spinning=not several, provider=provider)
        self._verify = make_verification(detector, self.model.name, threshold=detector_threshold)
        self._restore_faces = FacePasses(self._models, self._verify)
        self._own_settings: Mapping[str, Any] = {
            "model": self.model.sha256,
            "last_pass": [files.sha256 for files in self._models.last_pass],
            "sharpness": self._models.sharpness,
            "detector": detector if isinstance(detector, str) else type(detector).__qualname__,
            "detector_threshold": detector_threshold,
        }
        self._take(
            open_large_faces(large_faces, fidelity=fidelity, provider=provider, threads=threads, spinning=not several),
            None if background is None else BackgroundModel(background, provider=provider),
        )

    def _take(self, large_faces: LargeFaces | None, background: BackgroundModel | None) -> None:
        self._large_faces, self._background = large_faces, background
        self._work = FaceWork(self._detect, self._verify, self._restore_faces, large_faces)
        self.settings: Mapping[str, Any] = {
            **self._own_settings,
            "large_faces": large_faces and large_faces.network.sha256,
            "fidelity": large_faces and large_faces.fidelity,
            "background": background and background.sha256,
        }

    def with_networks(
        self, *, large_faces: LargeFaces | None = None, background: BackgroundModel | None = None
    ) -> "Restorer":
        """A restorer with other networks beside the face models, which it shares with this one.

        Args:
            large_faces: for faces that are too large for the model, see `open_large_faces`; None leaves these alone.
            background: enlarges the rest of the photo; None takes Pillow's filter.
        """
        other = copy(self)
        other._take(large_faces, background)
        return other

    def __repr__(self) -> str:
        return f"Restorer({self.model!r})"

    def faces(
        self,
        image: ImageLike,
        *,
        boxes: Sequence[Box] | None = None,
        only_boxes: bool = False,
        strength: Strength = 1.0,
        min_face: float | None = None,
        max_face: float | None = None,
        faces: Collection[int] | None = None,
        adaptive: bool = True,
        force: bool = False,
        passes: int = 2,
        uncertainty: bool = False,
    ) -> tuple[Face, ...]:
        """Find and super-resolve the faces of a photo, without pasting them.

        Args:
            image: a file, a PIL image, or (H, W, 3) uint8 RGB, upright.
            boxes: faces from brows to chin, in pixels of the photo, in addition to those that are found.
            only_boxes: restore the faces of `boxes` alone, without a search for others.
            strength: share of the restored face in the blend with the plain enlargement, 0 to 1: one number, or numbers
                by face number, such as {3: 0.4, None: 0.7}, where None stands for all others. 0 leaves a face alone.
            min_face, max_face: smallest and largest size, see `Face.size_px`, of found faces to restore; None for no
                limit.
            faces: numbers of the faces to restore; None for all.
            adaptive: lower the strength where the expected error is large, by one more pass; not with `force` (ADR 36).
            force: also restore faces that are too large, too small, seen from the side or doubtful for the model.
            passes: how often a face is super-resolved; each pass refines the crop by the landmarks of the one before.
            uncertainty: also estimate the error of each face, which takes three more passes.

        Returns:
            Every face in the order of its number: those that were found, in the detector's order, then those of the
            boxes. A box about a face that was found takes its place.

        Raises:
            UsageError: wrong pixels, no passes, a box that is not four numbers or whose centre does not lie in the
                photo, or a strength, size or number out of its range.
            ImageError: a file that cannot be read.
        """
        check_passes(passes)
        choice = FaceChoice(strength, min_face, max_face, faces, force, adaptive)
        return self._work(
            read_pixels(image), choice, boxes=boxes, only_boxes=only_boxes, passes=passes, uncertainty=uncertainty
        ).faces

    def find(
        self,
        image: ImageLike,
        *,
        boxes: Sequence[Box] | None = None,
        only_boxes: bool = False,
        strength: Strength = 1.0,
        min_face: float | None = None,
        max_face: float | None = None,
        faces: Collection[int] | None = None,
        force: bool = False,
    ) -> FoundFaces:
        """Find the faces of a photo, with their numbers and what `restore` would do with each, and restore nothing.

        It takes half the time of `faces`: one pass of the model verifies the faces.

        Args:
            image, boxes, only_boxes, strength, min_face, max_face, faces, force: see `faces`.

        Raises:
            UsageError, ImageError: see `faces`.
        """
        choice = FaceChoice(strength, min_face, max_face, faces, force)
        found = self._work(read_pixels(image), choice, boxes=boxes, only_boxes=only_boxes, passes=0)
        return FoundFaces(found.faces, 90 * found.quarters)

    def restore(
        self,
        image: ImageLike,
        *,
        scale: Scale = "auto",
        boxes: Sequence[Box] | None = None,
        only_boxes: bool = False,
        strength: Strength = 1.0,
        min_face: float | None = None,
        max_face: float | None = None,
        faces: Collection[int] | None = None,
        adaptive: bool = True,
        force: bool = False,
        passes: int = 2,
        uncertainty: bool = False,
    ) -> Restoration:
        """Enlarge a photo and restore its small faces.

        Args:
            image: a file, a PIL image, or (H, W, 3) uint8 RGB, upright.
            scale: enlargement of the photo, 1 to 8; auto takes the largest of 4, 2 and 1 whose result has at most 24
                megapixels.
            boxes, only_boxes, strength, min_face, max_face, faces, adaptive, force, passes, uncertainty: see `faces`.

        Returns:
            The enlarged photo and its faces. Outside the faces' crops it is Pillow's or `background`'s enlargement.

        Raises:
            UsageError: wrong scale, or see `faces`.
            ImageError: a file that cannot be read.
        """
        check_scale(scale)
        check_passes(passes)
        pixels, stages = read_pixels(image), Stages()
        choice = FaceChoice(strength, min_face, max_face, faces, force, adaptive)
        found, quarters = self._work(
            pixels, choice, boxes=boxes, only_boxes=only_boxes, passes=passes, uncertainty=uncertainty, stages=stages
        )
        chosen = scale_for(scale, pixels.shape[1], pixels.shape[0])
        with stages.measure("paste"):
            canvas = self.blend(pixels, found, scale=chosen)
        return Restoration(
            canvas,
            found,
            stages_s=stages.spent_s,
            provenance=self.provenance(found, scale=chosen),
            turned_degrees=90 * quarters,
            scale=chosen,
        )

    def blend(self, image: ImageLike, faces: Sequence[Face], *, scale: Scale = "auto") -> NDArray[np.uint8]:
        """Enlarge a photo and blend restored faces into it, each with its strength, without running the model.

        With `dataclasses.replace(face, strength=...)` a restored photo can be shown with other strengths at once.

        Args:
            image: the photo, see `faces`.
            faces: its faces, as `faces` or `restore` gave them.
            scale: see `restore`.

        Returns:
            (round(H * scale), round(W * scale), 3) uint8 RGB.

        Raises:
            UsageError: wrong pixels or scale.
            ImageError: a file that cannot be read.
        """
        pixels = read_pixels(image)
        height, width = pixels.shape[:2]
        chosen = scale_for(scale, width, height)
        size = (round(width * chosen), round(height * chosen))
        canvas = np.array(enlarge_to(pixels, size, self._background))
        return blend_faces(canvas, pixels, faces)

    def provenance(self, faces: Sequence[Face], *, scale: float) -> Provenance:
        """Which networks made the parts of a photo, for the metadata of its file.

        Args:
            faces: the faces of the photo, as they are blended into it.
            scale: enlargement of the photo. At 1, the network for the background makes no part of it.
        """
        return restored_by(self._models, faces, self._large_faces, self._background if scale > 1 else None)

    def layer(self, image: ImageLike, face: Face) -> NDArray[np.uint8]:
        """A restored face as a layer: drawn over the enlarged photo at its `square`, it gives what `blend` gives.

        Args:
            image: the photo, see `faces`.
            face: one of its faces, restored.

        Returns:
            (S, S, 4) uint8 RGB and opacity, S being the side of the model's output. The face's strength is not in it.
        """
        return face_layer(read_pixels(image), face)
