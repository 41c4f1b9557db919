"""Pickles of plain data, read without executing anything in them."""

import io
import pickle
import pickletools
from pathlib import Path

from dicface.errors import InputError

_FRAME_BYTES = 9
_PLAIN = (bool, int, float, str, type(None))


class _RefusedError(Exception):
    """The file asks for a class or function, named by the message."""


class _PlainUnpickler(pickle.Unpickler):
    """Refuses every class and function, so that no callable reaches the unpickler's stack."""

    def find_class(self, module_name: str, global_name: str) -> object:
        raise _RefusedError(f"{module_name}.{global_name}")

    def persistent_load(self, pid: object) -> object:
        raise _RefusedError(f"the outside object {pid!r}")


def read_plain_pickle(path: Path) -> object:
    """Read a pickle of numbers, strings, lists, tuples and dicts.

    Args:
        path: the file; it need not be trusted. Strings of Python 2 are decoded as Latin-1.

    Returns:
        Its content: only int, float, str, bool, None, lists, tuples and dicts.

    Raises:
        InputError: unreadable, damaged, or holding anything else, which the error names.
    """
    try:
        pickled = _without_claims(path.read_bytes())
        content = _PlainUnpickler(io.BytesIO(pickled), encoding="latin1").load()
    except _RefusedError as refused:
        asked = str(refused)
        numpy = "; save arrays with .tolist(), numbers with .item()" if asked.startswith("numpy") else ""
        raise InputError(
            f"expected numbers, lists, dicts and strings only, but {path.name!r} asks for {asked}; "
            f"nothing in it was executed{numpy}"
        ) from refused
    except OSError as error:
        raise InputError(f"expected a pickle, could not read {str(path)!r}: {error.strerror}") from error
    except Exception as error:  # damaged pickles raise exceptions of any class
        raise InputError(f"expected a pickle, but {path.name!r} is none, or damaged: {error}") from error
    _check_plain(content, path)
    return content


def _without_claims(pickled: bytes) -> bytes:
    """The same pickle without FRAME opcodes, checked for memo indices that would allocate gigabytes.

    Frames only announce how much may be read at once. With nested frames Python's unpickler continues at another place
    than `pickletools`, so that other opcodes would be checked than are executed.

    Raises:
        ValueError: damaged, or made to allocate gigabytes.
    """
    kept: list[bytes] = []
    start = end = 0
    for opcode, argument, position in pickletools.genops(pickled):
        # The memo is a list: an index beyond the file's length can only be an attempt to allocate memory.
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and isinstance(argument, int) and argument > len(pickled):
            raise ValueError(f"it has {len(pickled)} bytes and remembers {argument} things")
        if opcode.name == "FRAME" and position is not None:
            kept.append(pickled[start:position])
            start = position + _FRAME_BYTES
        end = position or 0
    # The last opcode is STOP.
    return b"".join((*kept, pickled[start : end + 1]))


def _check_plain(content: object, path: Path) -> None:
    """Refuse bytes, sets and other types that pickles hold without naming a class."""
    waiting, seen = [content], set[int]()
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, _PLAIN):
            continue
        # A container may occur several times, or contain itself.
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, dict):
            waiting += thing.keys()
            waiting += thing.values()
        elif isinstance(thing, list | tuple):
            waiting += thing
        else:
            raise InputError(
                f"expected numbers, lists, dicts and strings only, but {path.name!r} holds {type(thing).__name__}"
            )
