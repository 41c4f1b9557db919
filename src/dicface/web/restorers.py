"""The restorers of the worker's process, each loaded once."""

from functools import cache

from dicface.restoration.restorer import Restorer
from dicface.web.detector import RememberingDetector


@cache
def _detector() -> RememberingDetector:
    return RememberingDetector()


@cache
def restorer_of(model: str) -> Restorer:
    """The restorer of an embedded model, loaded once."""
    return Restorer(model, detector=_detector())
