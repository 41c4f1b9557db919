"""Files from strangers: tensors come out, nothing is executed, and what is refused is named."""

import collections
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from dicface.checkpoints.pickled import read_pickled
from dicface.errors import CheckpointError


class Call:
    """Pickles to a call of a function with arguments."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple:
        return self.function, self.arguments


TENSORS = {"weight": torch.arange(600.0).reshape(20, 30), "bias": torch.ones(3)}


@pytest.mark.parametrize("zipped", [True, False], ids=["today", "legacy"])
def test_tensors_come_out_of_both_formats(tmp_path: Path, zipped: bool) -> None:
    state = collections.OrderedDict(TENSORS)
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    content = read_pickled(tmp_path / "a.pth")
    assert content["epoch"] == 3
    for key, value in TENSORS.items():
        assert torch.equal(content["state_dict"][key], value)


@pytest.mark.parametrize("zipped", [True, False], ids=["today", "legacy"])
def test_numbers_of_numpy_are_no_obstacle(tmp_path: Path, zipped: bool) -> None:
    history = {"psnr": [np.float64(27.1), np.float32(27.3)], "best_step": np.int64(4), "curve": np.arange(3.0)}
    torch.save({"state_dict": TENSORS, **history}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    content = read_pickled(tmp_path / "a.pth")
    assert torch.equal(content["state_dict"]["bias"], TENSORS["bias"])
    # They are not read: no code of numpy runs on what a stranger wrote.
    assert not isinstance(content["best_step"], np.generic)


def test_names_of_older_numpy_are_known(tmp_path: Path) -> None:
    torch.save({"best": np.float64(27.1)}, tmp_path / "new.pth", _use_new_zipfile_serialization=False)
    old = (tmp_path / "new.pth").read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    (tmp_path / "old.pth").write_bytes(old)
    content = read_pickled(tmp_path / "old.pth")
    assert isinstance(content, dict)
    assert "best" in content


def test_files_saved_from_a_gpu_open_without_one(tmp_path: Path) -> None:
    """The authors' were: their storages are of torch.cuda and lie on cuda:0."""
    torch.save(TENSORS, tmp_path / "cpu.pth", _use_new_zipfile_serialization=False)
    saved = (tmp_path / "cpu.pth").read_bytes().replace(b"ctorch\nFloatStorage", b"ctorch.cuda\nFloatStorage")
    location, on_gpu = b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0"
    assert location in saved
    (tmp_path / "gpu.pth").write_bytes(saved.replace(location, on_gpu))
    assert torch.equal(read_pickled(tmp_path / "gpu.pth")["weight"], TENSORS["weight"])


def test_the_door_is_closed_again(tmp_path: Path) -> None:
    torch.save({"best": np.float64(27.1)}, tmp_path / "a.pth")
    read_pickled(tmp_path / "a.pth")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "a.pth", weights_only=True)


def write_in_every_form(folder: Path, content: object) -> dict[str, Path]:
    """The same content in every format that `torch.load` or pickle reads."""
    paths = {name: folder / f"{name}.pth" for name in FORMS}
    torch.save(content, paths["today"])
    torch.save(content, paths["legacy"], _use_new_zipfile_serialization=False)
    torch.save(content, paths["today-4"], pickle_protocol=4)
    torch.save(content, paths["legacy-4"], _use_new_zipfile_serialization=False, pickle_protocol=4)
    paths["pickle-0"].write_bytes(pickle.dumps(content, 0))
    paths["pickle-5"].write_bytes(pickle.dumps(content, 5))
    return paths


REFUSALS = {
    "today": r"expected tensors only, but 'today.pth' asks for (posix|nt)\.mkdir; it was not opened$",
    "today-4": r"expected tensors only, but 'today-4.pth' is damaged or asks for more; it was not opened",
    "legacy": r"expected tensors only, but 'legacy.pth' is damaged or asks for more; it was not opened\. .* torch 1\.6",
    "legacy-4": r"expected tensors only, but 'legacy-4.pth' is damaged or asks for more; it was not opened",
    "pickle-0": r"expected a file of torch.save, but 'pickle-0.pth' begins with",
    "pickle-5": r"expected tensors only, but 'pickle-5.pth' is damaged or asks for more; it was not opened",
}
FORMS = tuple(REFUSALS)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_asks_for_more_is_refused(tmp_path: Path, form: str) -> None:
    trace = tmp_path / "executed"
    state = {} if "pickle" in form else collections.OrderedDict(TENSORS)
    content = {"state_dict": state, "history": np.float64(27.1), "extra": Call(os.mkdir, str(trace))}
    path = write_in_every_form(tmp_path, content)[form]
    refused = REFUSALS[form]
    with pytest.raises(CheckpointError, match=refused):
        read_pickled(path)
    assert not trace.exists()
    # The file does carry the code: an unguarded reader runs it.
    torch.load(path, weights_only=False) if "pickle" not in form else pickle.loads(path.read_bytes())
    assert trace.exists()


def test_placeholders_lead_nowhere(tmp_path: Path) -> None:
    """What stands for numpy's names must not open a way to another function."""
    torch.save({"x": Call(getattr, np.dtype, "newbyteorder")}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"asks for (builtins|__builtin__)\.getattr"):
        read_pickled(tmp_path / "x.pth")


@pytest.mark.parametrize("zipped", [True, False], ids=["today", "legacy"])
def test_cut_off_files(tmp_path: Path, zipped: bool) -> None:
    history = {"state_dict": TENSORS, "best": np.float64(1.5)}
    torch.save(history, tmp_path / "whole.pth", _use_new_zipfile_serialization=zipped)
    whole = (tmp_path / "whole.pth").read_bytes()
    path = tmp_path / "cut.pth"
    for length in (2, 3, 30, 100, len(whole) // 4, len(whole) // 2, len(whole) - 1000, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(
            CheckpointError, match=r"but 'cut.pth' is damaged or (cut off; download it again|asks for more)"
        ):
            read_pickled(path)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.pth").touch()
    with pytest.raises(
        CheckpointError, match=r"expected a file of torch.save, but 'a.pth' is empty; download it again"
    ):
        read_pickled(tmp_path / "a.pth")


@pytest.mark.parametrize("text", ["<!DOCTYPE html><html>", "Not Found", "not weights", "version https://git-lfs", "."])
def test_a_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.pth").write_text(text)
    with pytest.raises(CheckpointError, match=r"but 'a.pth' begins with b'.+'; a download may have left a web page"):
        read_pickled(tmp_path / "a.pth")


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(CheckpointError, match=r"expected a file of torch.save, could not read"):
            read_pickled(path)


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("readme.txt", "weights inside? no")
    with pytest.raises(CheckpointError, match="is damaged or cut off"):
        read_pickled(tmp_path / "a.pth")


def test_a_torchscript_program(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "a.pth")
    # What tells the two apart is this member; torch looks for it, too.
    with zipfile.ZipFile(tmp_path / "a.pth", "a") as archive:
        archive.writestr("a/constants.pkl", pickle.dumps((), 2))
    with pytest.raises(CheckpointError, match=r"'a.pth' is a TorchScript program; save its state_dict\(\) and convert"):
        read_pickled(tmp_path / "a.pth")
