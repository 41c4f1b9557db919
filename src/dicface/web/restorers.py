"""The restorers of the worker's process, each loaded once."""

from functools import cache, lru_cache

from dicface.restoration.restorer import Restorer
from dicface.runtime.face_model import FaceModel
from dicface.runtime.model_files import chosen_sharpness
from dicface.web.detector import RememberingDetector
from dicface.web.networks import NO_NETWORKS, AddedNetworks, background_of, large_faces_of

_KEPT = 4
"""Restorers of different models or sharpness in memory."""


@cache
def _detector() -> RememberingDetector:
    return RememberingDetector()


@cache
def _model(name: str) -> FaceModel:
    return FaceModel(name)


@lru_cache(maxsize=_KEPT)
def _with_model(model: str, sharpness: float) -> Restorer:
    return Restorer(_model(model), detector=_detector(), sharpness=sharpness)


def restorer_of(model: str, networks: AddedNetworks = NO_NETWORKS, sharpness: float | None = None) -> Restorer:
    """The restorer of an embedded model, with other networks beside it. All restorers of a model share it.

    Args:
        model: name of the model.
        networks: those that are used.
        sharpness: see `Restorer`; the networks of the last few are kept.
    """
    large_faces, background, fidelity = networks
    return _with_model(model, chosen_sharpness(model, sharpness)).with_networks(
        large_faces=None if large_faces is None else large_faces_of(large_faces, fidelity),
        background=None if background is None else background_of(background),
    )
