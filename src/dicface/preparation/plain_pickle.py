"""Pickles that hold plain data, read without executing anything in them."""

import io
import pickle
import pickletools
from pathlib import Path

from dicface.errors import InputError

_FRAME_BYTES = 9
_PLAIN = (bool, int, float, str, type(None))


class _RefusedError(Exception):
    """Names what a file asks for."""


class _PlainUnpickler(pickle.Unpickler):
    """Builds no object of any class: nothing that could be called ever comes onto its stack."""

    def find_class(self, module_name: str, global_name: str) -> object:
        raise _RefusedError(f"{module_name}.{global_name}")

    def persistent_load(self, pid: object) -> object:
        raise _RefusedError(f"the outside object {pid!r}")


def read_plain_pickle(path: Path) -> object:
    """Content of a pickle of numbers, strings, lists, tuples and dicts.

    Args:
        path: the file; it may come from anybody. Strings of Python 2 are taken for Latin-1.

    Returns:
        What it holds; nothing else than numbers, strings, True, False, None, lists, tuples and dicts is in it.

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
    except Exception as error:  # damaged pickles fail in every way there is
        raise InputError(f"expected a pickle, but {path.name!r} is none, or damaged: {error}") from error
    _check_plain(content, path)
    return content


def _without_claims(pickled: bytes) -> bytes:
    """The same pickle without frames, if nothing in it makes Python set memory aside for what is only announced.

    Frames say how much may be read at once and nothing else. Where one begins within another, Python's unpickler goes
    on at another place than `pickletools`, which would have looked at other things than are read.

    Raises:
        ValueError: damaged, or made to take gigabytes.
    """
    kept: list[bytes] = []
    start = end = 0
    for opcode, argument, position in pickletools.genops(pickled):
        # What is remembered has a place in a list, and no more things are remembered than the file has bytes.
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and isinstance(argument, int) and argument > len(pickled):
            raise ValueError(f"it has {len(pickled)} bytes and remembers {argument} things")
        if opcode.name == "FRAME" and position is not None:
            kept.append(pickled[start:position])
            start = position + _FRAME_BYTES
        end = position or 0
    # The last one stops.
    return b"".join((*kept, pickled[start : end + 1]))


def _check_plain(content: object, path: Path) -> None:
    """Refuse bytes, sets and the like, which pickles hold without asking for a class."""
    waiting, seen = [content], set[int]()
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, _PLAIN):
            continue
        # The same list may stand in a file many times, or in itself.
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
