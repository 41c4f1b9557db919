"""Face super-resolution with landmarks.

>>> import numpy as np
>>> from dicface import Restorer
>>> restorer = Restorer()
>>> restorer.upscale(np.full((1, 16, 16, 3), 128, dtype=np.uint8)).shape
(1, 128, 128, 3)

The names in `__all__` are stable: see docs/api.md.
"""

import logging as _logging
from typing import TYPE_CHECKING as _TYPE_CHECKING

from dicface.errors import (
    BenchmarkError,
    CheckpointError,
    ClipError,
    ConfigError,
    DicfaceError,
    ImageError,
    InputError,
    OutputError,
    PackError,
    TooLargeError,
    TooLongError,
    TrainingError,
    UnknownModelError,
    UsageError,
)
from dicface.version import __version__

if _TYPE_CHECKING:
    from dicface.batches.callables import RestoreBatch, UpscaleBatch
    from dicface.faces.detection import Detection, Detector
    from dicface.faces.geometry import Box, Square
    from dicface.faces.landmarks import PhotoLandmarks, locate
    from dicface.images.photo import Photo, read_photo, write_photo
    from dicface.restoration.file_result import FileResult
    from dicface.restoration.files import restore_file, upscale_file
    from dicface.restoration.large_faces import open_large_faces
    from dicface.restoration.output import Output
    from dicface.restoration.quality import QualityWarning
    from dicface.restoration.restorer import Restorer
    from dicface.restoration.results import Face, FoundFaces, Outcome, Restoration
    from dicface.restoration.video.frames import RestoredFrame
    from dicface.restoration.video.results import FaceTrack, VideoResult
    from dicface.runtime.background import BackgroundModel
    from dicface.runtime.face_model import FaceModel, FaceSteps
    from dicface.runtime.landmark_model import FaceLandmarks, LandmarkModel

__all__ = [
    "BackgroundModel",
    "BenchmarkError",
    "Box",
    "CheckpointError",
    "ClipError",
    "ConfigError",
    "Detection",
    "Detector",
    "DicfaceError",
    "Face",
    "FaceLandmarks",
    "FaceModel",
    "FaceSteps",
    "FaceTrack",
    "FileResult",
    "FoundFaces",
    "ImageError",
    "InputError",
    "LandmarkModel",
    "Outcome",
    "Output",
    "OutputError",
    "PackError",
    "Photo",
    "PhotoLandmarks",
    "QualityWarning",
    "Restoration",
    "RestoreBatch",
    "RestoredFrame",
    "Restorer",
    "Square",
    "TooLargeError",
    "TooLongError",
    "TrainingError",
    "UnknownModelError",
    "UpscaleBatch",
    "UsageError",
    "VideoResult",
    "__version__",
    "locate",
    "open_large_faces",
    "read_photo",
    "restore_file",
    "upscale_file",
    "write_photo",
]

_MODULES = {
    "BackgroundModel": "runtime.background",
    "Box": "faces.geometry",
    "Detection": "faces.detection",
    "Detector": "faces.detection",
    "Face": "restoration.results",
    "FaceLandmarks": "runtime.landmark_model",
    "FaceModel": "runtime.face_model",
    "FaceSteps": "runtime.face_model",
    "FaceTrack": "restoration.video.results",
    "FileResult": "restoration.file_result",
    "FoundFaces": "restoration.results",
    "LandmarkModel": "runtime.landmark_model",
    "Outcome": "restoration.results",
    "Output": "restoration.output",
    "Photo": "images.photo",
    "PhotoLandmarks": "faces.landmarks",
    "QualityWarning": "restoration.quality",
    "Restoration": "restoration.results",
    "RestoreBatch": "batches.callables",
    "RestoredFrame": "restoration.video.frames",
    "Restorer": "restoration.restorer",
    "Square": "faces.geometry",
    "UpscaleBatch": "batches.callables",
    "VideoResult": "restoration.video.results",
    "locate": "faces.landmarks",
    "open_large_faces": "restoration.large_faces",
    "read_photo": "images.photo",
    "restore_file": "restoration.files",
    "upscale_file": "restoration.files",
    "write_photo": "images.photo",
}
"""Modules of the names that are imported on first use, so that `import dicface` and the command's help are quick."""

_logging.getLogger("dicface").addHandler(_logging.NullHandler())


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'dicface' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"dicface.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
