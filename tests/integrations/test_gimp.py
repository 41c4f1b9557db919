"""The plug-in for GIMP 3, run against a stand-in of its interface."""

import os
import runpy
from collections.abc import Generator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from PIL import Image as Pillow

from tests.support.gimp import Image, Procedure, stand_in

PLUG_IN = Path(__file__).parent.parent.parent / "integrations" / "gimp" / "dicface" / "dicface.py"


class Config:
    """Values of a procedure's arguments."""

    def __init__(self, procedure: Procedure, **changes: Any) -> None:
        assert changes.keys() <= procedure.arguments.keys()
        self._values = procedure.arguments | changes

    def get_property(self, name: str) -> Any:
        return self._values[name]


@pytest.fixture
def procedure() -> Generator[Procedure]:
    """The plug-in's one procedure."""
    with stand_in():
        yield _procedure()


def _procedure() -> Procedure:
    plug_in = runpy.run_path(str(PLUG_IN))["Dicface"]()
    (name,) = plug_in.do_query_procedures()
    return plug_in.do_create_procedure(name)


def call(procedure: Procedure, image: Image, mode: str = "NONINTERACTIVE", **changes: Any) -> tuple[str, Any]:
    return procedure.run(procedure, mode, image, [image.layers[0]], Config(procedure, **changes), None)


@pytest.fixture
def image(small_photo: np.ndarray) -> Image:
    return Image(Pillow.fromarray(small_photo))


def test_gimp_finds_it() -> None:
    """A plug-in lies in a folder of its own name, and may be run."""
    assert PLUG_IN.parent.name == PLUG_IN.stem
    assert os.access(PLUG_IN, os.X_OK)
    assert PLUG_IN.read_text().startswith("#!")


def test_it_is_in_the_menu(procedure: Procedure) -> None:
    assert procedure.menu_path == "<Image>/Filters/Enhance"
    assert procedure.types == "RGB*, GRAY*"
    assert procedure.arguments == {"strength": 1.0}


@pytest.mark.slow
@pytest.mark.usefixtures("command")
def test_faces_are_restored_on_a_new_layer(procedure: Procedure, image: Image, small_photo: np.ndarray) -> None:
    assert call(procedure, image, strength=1.0) == ("SUCCESS", None)
    restored, original = image.layers
    assert restored.name == "Restored faces (dicface)"
    assert restored.pixels.size == original.pixels.size
    assert np.array_equal(np.asarray(original.pixels), small_photo)
    assert not np.array_equal(np.asarray(restored.pixels), small_photo)
    assert image.undo == [1, 1]
    assert all(copy.deleted for copy in image.copies)


@pytest.mark.slow
@pytest.mark.usefixtures("command")
def test_a_strength_of_zero_changes_nothing(procedure: Procedure, image: Image, small_photo: np.ndarray) -> None:
    assert call(procedure, image, strength=0.0)[0] == "SUCCESS"
    assert np.array_equal(np.asarray(image.layers[0].pixels), small_photo)


def test_what_goes_wrong_is_said(
    procedure: Procedure, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    status, error = call(procedure, image)
    assert (status, len(image.layers)) == ("EXECUTION_ERROR", 1)
    assert "set DICFACE_COMMAND" in str(error)
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\necho the disk is full >&2\nexit 1\n")
    failing.chmod(0o755)
    monkeypatch.setenv("DICFACE_COMMAND", str(failing))
    status, error = call(procedure, image)
    assert (status, str(error)) == ("EXECUTION_ERROR", "the disk is full")
    assert image.undo[0] == image.undo[1]


@pytest.mark.slow
@pytest.mark.parametrize("accepts", [True, False])
@pytest.mark.usefixtures("command")
def test_the_dialog_may_be_cancelled(accepts: bool, image: Image) -> None:
    with stand_in(dialog_accepts=accepts) as dialogs:
        status, _ = call(_procedure(), image, "INTERACTIVE")
    assert status == ("SUCCESS" if accepts else "CANCEL")
    assert len(image.layers) == (2 if accepts else 1)
    dialog: MagicMock = dialogs.new.return_value
    dialog.destroy.assert_called_once_with()
