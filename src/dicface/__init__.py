"""Face super-resolution with landmarks.

>>> import numpy as np
>>> from dicface import Restorer
>>> restorer = Restorer()
>>> restorer.upscale(np.full((1, 16, 16, 3), 128, dtype=np.uint8)).shape
(1, 128, 128, 3)
"""

from typing import TYPE_CHECKING, Any

from dicface.version import __version__

if TYPE_CHECKING:
    from dicface.faces.geometry import Box
    from dicface.restoration.restorer import Restorer
    from dicface.restoration.results import Face, Outcome, Restoration

__all__ = ["Box", "Face", "Outcome", "Restoration", "Restorer", "__version__"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import dicface` and the command's help are quick."""
    if name not in __all__:
        raise AttributeError(f"module 'dicface' has no attribute {name!r}")
    from importlib import import_module

    module = {"Box": "faces.geometry", "Restorer": "restoration.restorer"}.get(name, "restoration.results")
    return getattr(import_module(f"dicface.{module}"), name)
