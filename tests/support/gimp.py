"""A stand-in for the part of GIMP 3's interface for Python that the plug-in asks for. Images are files of Pillow."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

from PIL import Image as Pillow


class Layer:
    """A layer of an image."""

    def __init__(self, pixels: Pillow.Image) -> None:
        self.pixels, self.name = pixels, ""

    def set_name(self, name: str) -> None:
        self.name = name


class Image:
    """An open image: its layers from above, and how often groups of undo were opened and closed."""

    def __init__(self, pixels: Pillow.Image) -> None:
        self.layers, self.undo, self.copies = [Layer(pixels)], [0, 0], list["Image"]()
        self.deleted = False

    def duplicate(self) -> "Image":
        self.copies.append(Image(self.layers[0].pixels.copy()))
        return self.copies[-1]

    def flatten(self) -> Layer:
        return self.layers[0]

    def delete(self) -> bool:
        self.deleted = True
        return True

    def insert_layer(self, layer: Layer, parent: None, position: int) -> bool:
        assert self.undo[0] == self.undo[1] + 1
        self.layers.insert(position, layer)
        return True

    def undo_group_start(self) -> bool:
        self.undo[0] += 1
        return True

    def undo_group_end(self) -> bool:
        self.undo[1] += 1
        return True


class Procedure:
    """What the plug-in says of itself."""

    def __init__(self, plug_in: Any, name: str, kind: str, run: Any, data: None) -> None:
        assert kind == "PLUGIN"
        self.name, self.run = name, run
        self.arguments: dict[str, Any] = {}
        self.menu_path = self.types = ""

    def set_image_types(self, types: str) -> None:
        self.types = types

    def set_sensitivity_mask(self, mask: int) -> None:
        assert mask == 5

    def set_menu_label(self, label: str) -> None:
        assert label

    def add_menu_path(self, path: str) -> None:
        self.menu_path = path

    def set_documentation(self, blurb: str, text: str, help_id: str) -> None:
        assert blurb
        assert text

    def set_attribution(self, authors: str, copyright: str, date: str) -> None:  # noqa: A002 - GIMP's name
        assert date.isdecimal()

    def add_double_argument(
        self, name: str, nick: str, blurb: str, low: float, high: float, value: float, flags: int
    ) -> None:
        assert low <= value <= high
        self.arguments[name] = value

    def add_boolean_argument(self, name: str, nick: str, blurb: str, value: bool, flags: int) -> None:
        self.arguments[name] = value

    def new_return_values(self, status: str, error: Any) -> tuple[str, Any]:
        return status, error


def _save(mode: str, image: Image, file: Path, options: None) -> bool:
    image.layers[0].pixels.save(file)
    return True


def _load_layer(mode: str, image: Image, file: Path) -> Layer:
    with Pillow.open(file) as pixels:
        return Layer(pixels.copy())


@contextmanager
def stand_in(*, dialog_accepts: bool = True) -> Generator[MagicMock]:
    """Put the stand-in in the place of `gi` until the block ends; yields the class of dialogs."""
    dialogs = MagicMock()
    dialogs.new.return_value.run.return_value = dialog_accepts
    gimp = SimpleNamespace(
        PlugIn=type("PlugIn", (), {}),
        ImageProcedure=SimpleNamespace(new=Procedure),
        PDBProcType=SimpleNamespace(PLUGIN="PLUGIN"),
        ProcedureSensitivityMask=SimpleNamespace(DRAWABLE=1, DRAWABLES=4),
        RunMode=SimpleNamespace(INTERACTIVE="INTERACTIVE", NONINTERACTIVE="NONINTERACTIVE"),
        PDBStatusType=SimpleNamespace(SUCCESS="SUCCESS", CANCEL="CANCEL", EXECUTION_ERROR="EXECUTION_ERROR"),
        file_save=_save,
        file_load_layer=_load_layer,
        displays_flush=MagicMock(),
    )
    gi, repository = ModuleType("gi"), ModuleType("gi.repository")
    gi.__dict__.update(require_version=lambda name, version: None)
    repository.__dict__.update(
        Gimp=gimp,
        GimpUi=SimpleNamespace(init=MagicMock(), ProcedureDialog=dialogs),
        Gio=SimpleNamespace(File=SimpleNamespace(new_for_path=Path)),
        GLib=SimpleNamespace(Error=RuntimeError),
        GObject=SimpleNamespace(ParamFlags=SimpleNamespace(READWRITE=3)),
    )
    before = {name: sys.modules.get(name) for name in ("gi", "gi.repository")}
    sys.modules.update({"gi": gi, "gi.repository": repository})
    try:
        yield dialogs
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module
