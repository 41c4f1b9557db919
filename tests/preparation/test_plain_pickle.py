"""Annotations from strangers: plain data comes out, nothing is executed, and what is refused is named."""

import collections
import datetime
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from dicface.errors import InputError
from dicface.preparation.plain_pickle import read_plain_pickle

PLAIN = {"a.jpg": {"landmark": [(1.5, 2), [3, 4]], "bbox": [1, 2, 3, 4], "ok": True, "none": None, 7: 2**80}}


class Call:
    """Pickles to a call of a function with arguments."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple:
        return self.function, self.arguments


def written(folder: Path, content: object, protocol: int = 4) -> Path:
    path = folder / "a.pkl"
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_comes_out(tmp_path: Path, protocol: int) -> None:
    assert read_plain_pickle(written(tmp_path, PLAIN, protocol)) == PLAIN


def test_strings_of_python_2(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"(dp0\nS'a.jpg'\np1\n(lp2\nF1.5\nas.")
    assert read_plain_pickle(tmp_path / "a.pkl") == {"a.jpg": [1.5]}


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_is_refused_by_name_and_not_made(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "executed"
    path = written(tmp_path, {"a.jpg": Call(os.mkdir, str(trace))}, protocol)
    with pytest.raises(InputError, match=r"but 'a\.pkl' asks for (posix|nt)\.mkdir; nothing in it was executed$"):
        read_plain_pickle(path)
    assert not trace.exists()
    # The file does carry the call: an unguarded reader makes it.
    pickle.loads(path.read_bytes())
    assert trace.exists()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (datetime.date(2020, 1, 1), r"datetime\.date"),
        (collections.OrderedDict(a=1), r"collections\.OrderedDict"),
        (complex(1, 2), r"complex"),
        (Path("a"), r"pathlib"),
        (print, r"print"),
    ],
)
def test_objects_are_refused_by_name(tmp_path: Path, content: object, named: str) -> None:
    with pytest.raises(InputError, match=rf"asks for .*{named}"):
        read_plain_pickle(written(tmp_path, [content]))


def test_arrays_are_refused_with_advice(tmp_path: Path) -> None:
    path = written(tmp_path, {"a.jpg": {"landmark": np.zeros((68, 2))}})
    with pytest.raises(
        InputError, match=r"asks for numpy\S+; nothing in it was executed; save arrays with \.tolist\(\)"
    ):
        read_plain_pickle(path)


@pytest.mark.parametrize(("content", "name"), [(b"raw", "bytes"), ({1}, "set"), (bytearray(b"x"), "bytearray")])
def test_other_plain_types_are_refused_by_name(tmp_path: Path, content: object, name: str) -> None:
    with pytest.raises(InputError, match=rf"but .a\.pkl. holds {name}$"):
        read_plain_pickle(written(tmp_path, {"deep": [[content]]}, 5))


def test_outside_objects_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"Psomewhere\n.")
    with pytest.raises(InputError, match="asks for the outside object 'somewhere'"):
        read_plain_pickle(tmp_path / "a.pkl")


def test_a_list_in_itself_ends(tmp_path: Path) -> None:
    knot: list[object] = [1]
    knot.append(knot)
    assert read_plain_pickle(written(tmp_path, knot))[0] == 1


def test_frames_within_frames_are_no_frames(tmp_path: Path) -> None:
    """Python's unpickler went on at another place than where it was checked, and took 4 GB (found by fuzzing)."""
    frame = b"\x95H" + 7 * b"\0"
    begin = b"\x80\x04" + frame + b"]\x94(}\x94(\x8c\x04path\x94\x8c\x05"
    rest = (
        b"\xf6ndmarks\x94]\x94(]\x94\x94]\x94((]\x94(G?\xf0\0\0\0\0\0\0GG?(]}t.\xf6@\x04\0\0\0\0\0\0eh\x06h\x04euN\x88K\xdd"
        b"\0\0\0\0\0e\x01\0h\x06\0h\x04euN\x07\x87\x94e\x88K\x07\x8f.j.p(g"
    )
    (tmp_path / "a.pkl").write_bytes(begin + b"a.jpg\x94\x8c\tlandmarks" + begin + b"a.jp8]}t." + rest)
    assert read_plain_pickle(tmp_path / "a.pkl") == ("path", "a.jp8", [], {})


def test_frames_change_nothing(tmp_path: Path) -> None:
    """Of 64 kB each, as Python writes them."""
    content = [[float(number), f"face {number}"] for number in range(20_000)]
    assert read_plain_pickle(written(tmp_path, content, 5)) == content


def test_damaged_and_missing_files(tmp_path: Path) -> None:
    whole = pickle.dumps(PLAIN)
    path = tmp_path / "a.pkl"
    for damaged in (b"", whole[:1], whole[: len(whole) // 2], whole[:-1], b"<!DOCTYPE html>", b"\x80\x05\x83\x01."):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"expected a pickle, but 'a\.pkl' is none, or damaged"):
            read_plain_pickle(path)
    with pytest.raises(InputError, match=r"could not read .*none"):
        read_plain_pickle(tmp_path / "none.pkl")
