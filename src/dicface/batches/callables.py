"""RestoreBatch and UpscaleBatch: callables for the batches of Ray Data, Spark, datasets and the like."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from dicface.batches.file_batch import FileBatch
from dicface.faces.geometry import Box
from dicface.faces.names import DEFAULT_DETECTOR, DetectorName
from dicface.images.photo import MAX_MEGAPIXELS
from dicface.restoration.arguments import RestoreArguments
from dicface.restoration.choice import FaceChoice, Strength, checked_boxes
from dicface.restoration.file_result import FileResult
from dicface.restoration.files import restore_file, upscale_file
from dicface.restoration.output import Output
from dicface.restoration.restorer import Restorer
from dicface.restoration.scale import Scale, check_scale
from dicface.restoration.settings import restore_digest, upscale_digest
from dicface.runtime.face_model import FaceModel
from dicface.runtime.face_restorer import DEFAULT_FIDELITY
from dicface.runtime.model_files import chosen_sharpness
from dicface.runtime.models import DEFAULT_MODEL, embedded_models
from dicface.runtime.providers import BackendName, ProviderName


def _everywhere(file: str | Path | None) -> str | Path | None:
    """The absolute path of a model file, for processes with another working directory; a model's name unchanged."""
    if file is None or str(file) in embedded_models("restoration") or not Path(file).exists():
        return file
    return str(Path(file).absolute())


class RestoreBatch(FileBatch):
    """Restores the small faces of a batch of photos. Picklable; the models are loaded by the first photo.

    A photo's result equals that of the command `restore` to the byte.

    Args:
        model, backend, provider, detector, detector_threshold, large_faces, fidelity, background, sharpness: see
            `Restorer`, by name or path.
        threads: threads of each network: one by default, since engines run a worker for each core.
        scale, boxes, only_boxes, strength, min_face, max_face, faces, adaptive, force, passes: see `Restorer.restore`;
            they hold for every photo.
        max_megapixels: larger photos fail at their header.
        mark, metadata, gps, landmarks: see `Output`.
        uncertainty: also give the map of the expected errors.

    Raises:
        UsageError: a setting out of its range. A missing model is an error at the first photo.

    >>> from dicface import RestoreBatch
    >>> batch = RestoreBatch(scale=2)({"bytes": [b"no photo"], "path": ["a.jpg"]})
    >>> batch["outcome"], batch["faces"]
    (['failed'], ['[]'])
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        backend: BackendName = "auto",
        provider: ProviderName = "auto",
        detector: DetectorName = DEFAULT_DETECTOR,
        detector_threshold: float | None = None,
        threads: int | None = 1,
        large_faces: str | Path | None = None,
        fidelity: float = DEFAULT_FIDELITY,
        background: str | Path | None = None,
        sharpness: float | None = None,
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
        max_megapixels: float = MAX_MEGAPIXELS,
        mark: bool = True,
        metadata: bool = True,
        gps: bool = False,
        landmarks: bool = False,
        uncertainty: bool = False,
    ) -> None:
        super().__init__(Output(mark, metadata, gps, landmarks), uncertainty=uncertainty)
        check_scale(scale)
        FaceChoice(strength, min_face, max_face, faces, force, adaptive)  # checks them
        self._restorer: dict[str, Any] = {
            "model": _everywhere(model),
            "backend": backend,
            "provider": provider,
            "detector": detector,
            "detector_threshold": detector_threshold,
            "threads": threads,
            "large_faces": _everywhere(large_faces),
            "fidelity": fidelity,
            "background": _everywhere(background),
            "sharpness": chosen_sharpness(str(model), sharpness, backend=backend),
        }
        self._settings = RestoreArguments(
            scale=scale,
            boxes=checked_boxes(boxes),
            only_boxes=only_boxes,
            strength=strength,
            min_face=min_face,
            max_face=max_face,
            faces=faces,
            adaptive=adaptive,
            force=force,
            passes=passes,
        )
        self._max_megapixels = max_megapixels

    def __repr__(self) -> str:
        return f"RestoreBatch({self._restorer['model']!r})"

    def _open(self) -> Restorer:
        return Restorer(**self._restorer)

    def _run(self, session: Restorer, source: Path, target: Path, output: Output) -> FileResult:
        return restore_file(
            source,
            target,
            restorer=session,
            **self._settings,
            output=output,
            max_megapixels=self._max_megapixels,
            gate=self._gate,
        )

    def _digest(self, session: Restorer) -> str:
        return restore_digest(session, **self._settings, output=self._output)


class UpscaleBatch(FileBatch):
    """Super-resolves a batch of aligned face crops, as the command `upscale` does; see `RestoreBatch`.

    Args:
        model, backend, provider, sharpness: see `FaceModel`, by name or path.
        threads: threads of the network.
        all_steps, consistent, strength: see `upscale_file`.
        mark, metadata, gps, landmarks: see `Output`.
        uncertainty: also give the map of the expected errors.

    Raises:
        UsageError: a strength or sharpness out of its range, or a sharpness of a model without sharp twin.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        backend: BackendName = "auto",
        provider: ProviderName = "auto",
        threads: int | None = 1,
        sharpness: float | None = None,
        all_steps: bool = False,
        consistent: bool = False,
        strength: float = 1.0,
        mark: bool = True,
        metadata: bool = True,
        gps: bool = False,
        landmarks: bool = False,
        uncertainty: bool = False,
    ) -> None:
        super().__init__(Output(mark, metadata, gps, landmarks), uncertainty=uncertainty)
        FaceChoice(strength)  # checks it
        self._model: dict[str, Any] = {
            "model": _everywhere(model),
            "backend": backend,
            "provider": provider,
            "threads": threads,
            "sharpness": chosen_sharpness(str(model), sharpness, backend=backend),
        }
        self._settings: dict[str, Any] = {"all_steps": all_steps, "consistent": consistent, "strength": strength}

    def __repr__(self) -> str:
        return f"UpscaleBatch({self._model['model']!r})"

    def _open(self) -> FaceModel:
        return FaceModel(**self._model)

    def _run(self, session: FaceModel, source: Path, target: Path, output: Output) -> FileResult:
        return upscale_file(source, target, model=session, **self._settings, output=output)

    def _digest(self, session: FaceModel) -> str:
        return upscale_digest(session.sha256, sharpness=session.sharpness, **self._settings, output=self._output)
