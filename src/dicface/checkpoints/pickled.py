"""What `torch.save` wrote, read without executing anything in it.

A pickle is a program: it may ask for any function by its name and call it. torch's restricted reader knows the few
names that tensors need and stops at any other.
"""

import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import torch

from dicface.errors import CheckpointError

# Training checkpoints keep their history beside the weights: numbers that numpy computed, and mmengine's record of the
# losses. Nobody reads those, so that whatever a file builds under these names becomes a placeholder, and no code of
# numpy or mmengine runs.
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
_PICKLES_IN_A_LEGACY_FILE = 5


class _Placeholder:
    """Takes what a pickle gives to the thing in whose place it stands, and keeps nothing."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


def read_pickled(path: Path) -> object:
    """Content of a file of `torch.save`, in today's format or the one before torch 1.6.

    Args:
        path: the file; it may come from anybody.

    Returns:
        Tensors on the CPU, in whatever dicts and lists the file has.

    Raises:
        CheckpointError: unreadable, damaged, another kind of file, or one that asks for more than tensors; the error
            names what it asks for.
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
            # torch warns of the formats that it then refuses.
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    # Damaged pickles fail in every way there is.
    except Exception as error:
        raise CheckpointError(_why_not(path, head, error)) from error


def _why_not(path: Path, head: bytes, error: Exception) -> str:
    asked = _asked_for(path, error)
    if asked is not None:
        return f"expected tensors only, but {path.name!r} asks for {asked}; it was not opened"
    if _is_torchscript(path):
        return f"expected weights, but {path.name!r} is a TorchScript program; save its state_dict() and convert that"
    if head.startswith((b"PK", b"\x80")):
        return f"expected a file of torch.save, but {path.name!r} is damaged or cut off; download it again"
    return (
        f"expected a file of torch.save, but {path.name!r} begins with {head!r}; "
        "a download may have left a web page in its place"
    )


def _asked_for(path: Path, error: Exception) -> str | None:
    """The name at which the reading stopped, if it was one."""
    if not isinstance(error, pickle.UnpicklingError):
        return None
    if match := re.search(r"GLOBAL ([\w.]+)", str(error)):
        return match[1]
    # torch reads the pickle protocol that it writes; of a newer one it gives no names.
    harmless = {"torch", "collections", "_codecs"}
    return next((name for name in _names(path) if name not in _HISTORY and name.split(".")[0] not in harmless), None)


def _names(path: Path) -> Iterator[str]:
    """Functions and classes that a file asks for, read off its instructions, none of which is followed."""
    strings: list[str] = []
    memo: dict[int, str] = {}
    # The file is damaged or hostile by now; the names up to there are all there is.
    with suppress(Exception), _pickles(path) as file:
        for _ in range(_PICKLES_IN_A_LEGACY_FILE):
            for opcode, argument, _ in pickletools.genops(file):
                if opcode.name in ("GLOBAL", "INST"):
                    yield str(argument).replace(" ", ".")
                elif opcode.name == "STACK_GLOBAL":
                    yield ".".join(strings[-2:])
                elif opcode.name == "MEMOIZE":
                    memo[len(memo)] = strings[-1] if strings else ""
                elif opcode.name in ("BINGET", "LONG_BINGET"):
                    strings.append(memo.get(int(str(argument)), ""))
                elif isinstance(argument, str):
                    strings.append(argument)


@contextmanager
def _pickles(path: Path) -> Generator[IO[bytes]]:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        (member,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(member) as file:
            yield file


def _is_torchscript(path: Path) -> bool:
    # Damaged archives fail in more ways than one.
    with suppress(Exception), zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())
    return False
