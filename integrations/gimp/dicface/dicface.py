#!/usr/bin/env python3
"""Restore small faces of the open image as a new layer, with the command `dicface`. A plug-in for GIMP 3.

Copy the folder `dicface` into GIMP's folder for plug-ins (Edit > Preferences > Folders > Plug-ins), on Linux and macOS
make this file executable, and start GIMP again: Filters > Enhance > Restore Small Faces.

GIMP brings a Python of its own, so dicface is called as a command. Where it is not on the path, set DICFACE_COMMAND to
its path.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
from gi.repository import Gimp, GimpUi, Gio, GLib, GObject  # noqa: E402 - versions first

NAME = "plug-in-dicface-restore"


class DicfaceError(Exception):
    """What the user is told."""


def restore(source: Path, target: Path, *, strength: float) -> None:
    """Call the command on a file, in the file's own size.

    Raises:
        DicfaceError: it is not installed, or failed; with its own words.
    """
    command = os.environ.get("DICFACE_COMMAND") or shutil.which("dicface")
    if command is None:
        raise DicfaceError("dicface is not on the path. Install it, or set DICFACE_COMMAND to the path of the command.")
    words = ["restore", source, "--out", target, "--scale", "1", "--strength", f"{strength:.2f}"]
    done = subprocess.run([command, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DicfaceError(done.stderr.strip() or f"dicface ended with {done.returncode}")


class Dicface(Gimp.PlugIn):
    """The plug-in, as GIMP asks for it."""

    def do_query_procedures(self):
        return [NAME]

    def do_set_i18n(self, name):
        return False

    def do_create_procedure(self, name):
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, self.run, None)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE | Gimp.ProcedureSensitivityMask.DRAWABLES)
        procedure.set_menu_label("Restore Small _Faces...")
        procedure.add_menu_path("<Image>/Filters/Enhance")
        procedure.set_documentation(
            "Restores small, blurred faces as a new layer",
            "A network makes parts of the result: it is an estimate and no evidence of who somebody is.",
            name,
        )
        procedure.set_attribution("The dicface authors", "The dicface authors", "2026")
        flags = GObject.ParamFlags.READWRITE
        procedure.add_double_argument(
            "strength", "_Strength", "0: the image as it is, 1: the model's face", 0.0, 1.0, 1.0, flags
        )
        return procedure

    def run(self, procedure, run_mode, image, drawables, config, run_data):
        if run_mode == Gimp.RunMode.INTERACTIVE:
            GimpUi.init("dicface")
            dialog = GimpUi.ProcedureDialog.new(procedure, config, "Restore Small Faces")
            dialog.fill(None)
            wanted = dialog.run()
            dialog.destroy()
            if not wanted:
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        try:
            self._add_layer(image, config.get_property("strength"))
        except (DicfaceError, OSError) as error:
            return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, GLib.Error(str(error)))
        Gimp.displays_flush()
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)

    def _add_layer(self, image, strength):
        """Restore what is visible, and put the result on top as a layer; undone in one step."""
        with tempfile.TemporaryDirectory(prefix="dicface-") as folder:
            source, target = Path(folder) / "visible.png", Path(folder) / "restored.png"
            visible = image.duplicate()
            try:
                visible.flatten()
                Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, visible, Gio.File.new_for_path(str(source)), None)
            finally:
                visible.delete()
            restore(source, target, strength=strength)
            image.undo_group_start()
            try:
                layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(target)))
                layer.set_name("Restored faces (dicface)")
                image.insert_layer(layer, None, 0)
            finally:
                image.undo_group_end()


if __name__ == "__main__":
    Gimp.main(Dicface.__gtype__, sys.argv)
