"""The restorers of the worker's process, each loaded once."""

from functools import cache

from dicface.restoration.restorer import Restorer
from dicface.web.detector import RememberingDetector
from dicface.web.networks import NO_NETWORKS, AddedNetworks, background_of, large_faces_of


@cache
def _detector() -> RememberingDetector:
    return RememberingDetector()


@cache
def _with_model(model: str) -> Restorer:
    return Restorer(model, detector=_detector())


def restorer_of(model: str, networks: AddedNetworks = NO_NETWORKS) -> Restorer:
    """The restorer of an embedded model, with other networks beside it. All restorers of a model share it.

    Args:
        model: name of the model.
        networks: those that are used.
    """
    large_faces, background, fidelity = networks
    return _with_model(model).with_networks(
        large_faces=None if large_faces is None else large_faces_of(large_faces, fidelity),
        background=None if background is None else background_of(background),
    )
