"""Files of `torch.save`, read without executing anything in them.

A pickle is a program: it may import any function by name and call it. torch's restricted unpickler allows the few
names that tensors need and refuses all others.
"""

import pickle
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from dicface.errors import CheckpointError

# Training checkpoints keep their history beside the weights: numpy scalars and mmengine's record of the losses. It is
# not needed here: objects of these names become placeholders, and no code of numpy or mmengine runs.
_HISTORY = (
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    # The same two in files written under numpy 2.
    "numpy._core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "mmengine.logging.history_buffer.HistoryBuffer",
)


class _Placeholder:
    """Stands in for an object of a pickle; ignores its state."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


def read_pickled(path: Path) -> object:
    """Read a file of `torch.save`, in the zip format or the one before torch 1.6.

    Args:
        path: the file; it need not be trusted.

    Returns:
        Tensors on the CPU, in the dicts and lists of the file.

    Raises:
        CheckpointError: unreadable, damaged, another kind of file, or one that asks for more than tensors. For zip
            files the error names what is asked for.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise CheckpointError(f"expected a file of torch.save, could not read {str(path)!r}: {error}") from error
    if not head:
        raise CheckpointError(f"expected a file of torch.save, but {path.name!r} is empty; download it again")
    placeholders: list[Callable[..., object] | tuple[Callable[..., object], str]] = [
        (_Placeholder, name) for name in _HISTORY
    ]
    try:
        with path.open("rb") as file, warnings.catch_warnings(), torch.serialization.safe_globals(placeholders):
            # torch warns about formats that it then refuses.
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    # Damaged pickles raise exceptions of any class.
    except Exception as error:
        raise CheckpointError(_explain(path, head, error)) from error


def _explain(path: Path, head: bytes, error: Exception) -> str:
    """The text of the error for a file that torch refused."""
    if unsafe := _unsafe_globals(path):
        return f"expected tensors only, but {path.name!r} asks for {unsafe[0]}; it was not opened"
    if _is_torchscript(path):
        return f"expected weights, but {path.name!r} is a TorchScript program; save its state_dict() and convert that"
    if not head.startswith((b"PK", b"\x80")):
        return (
            f"expected a file of torch.save, but {path.name!r} begins with {head!r}; "
            "a download may have left a web page in its place"
        )
    if isinstance(error, pickle.UnpicklingError):
        return (
            f"expected tensors only, but {path.name!r} is damaged or asks for more; it was not opened. Download it "
            "again, or save its state_dict() with torch 1.6 or later"
        )
    return f"expected a file of torch.save, but {path.name!r} is damaged or cut off; download it again"


def _unsafe_globals(path: Path) -> list[str]:
    """Functions and classes that a file asks for and torch refuses; empty for files from before torch 1.6."""
    # Damaged files and pickle protocols other than torch's own fail in several ways.
    with suppress(Exception):
        unsafe: list[str] = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        return [name for name in unsafe if name not in _HISTORY]
    return []


def _is_torchscript(path: Path) -> bool:
    # Damaged archives raise exceptions of any class.
    with suppress(Exception), zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())
    return False


def plain_tensors(content: object, or_else: str = "") -> dict[str, Tensor]:
    """Check that an object is a dict of dense tensors, none of which claims more memory than its storage has.

    Args:
        content: what `read_pickled` gave.
        or_else: what else would have been taken, for the error's text.

    Returns:
        The same dict.

    Raises:
        CheckpointError: it is not.
    """
    if not isinstance(content, dict) or not content:
        raise CheckpointError(
            f"expected a dict of tensors{or_else}, got {type(content).__name__}{'' if content else ' without content'}"
        )
    state: dict[str, Tensor] = {}
    for key, value in cast(dict[object, object], content).items():
        if not isinstance(key, str) or not isinstance(value, Tensor) or not _is_plain(value):
            raise CheckpointError(
                f"expected a dict of plain tensors{or_else}, got {type(value).__name__} under {key!r}"
            )
        state[key] = value
    return state


def _is_plain(value: Tensor) -> bool:
    if value.layout != torch.strided or value.is_meta or value.is_quantized or value.is_complex():
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()
