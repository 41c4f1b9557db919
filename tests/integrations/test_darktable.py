"""The script for darktable, run by Lua against a stand-in of darktable's interface."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import lupa
import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).parent.parent.parent / "integrations" / "darktable" / "dicface.lua"
IMAGE = """
function(folder, name)
  local image = { path = folder, filename = name, grouped = {} }
  image.group_leader = image
  function image:group_with(leader) self.grouped[#self.grouped + 1] = leader end
  return image
end
"""


class Darktable:
    """What of darktable's interface the script asks for.

    Attributes:
        calls: commands that were run.
        said: messages, and errors for the log.
        imported: images of imported files, by path.
        storage: what was registered: name, label, store, finalize, supported.
    """

    def __init__(self, system: str = "linux") -> None:
        self.calls: list[str] = []
        self.said: list[str] = []
        self.imported: dict[str, Any] = {}
        self.storage: tuple[Any, ...] = ()
        self._settings: dict[str, Any] = {}
        self._lua: Any = lupa.LuaRuntime(unpack_returned_tuples=True)
        self.image = self._lua.eval(IMAGE)
        table = self._lua.table_from
        interface = table(
            {
                "preferences": table({"register": self._register, "read": lambda _, name, kind: self._settings[name]}),
                "configuration": table({"running_os": system}),
                "control": table({"execute": self._execute}),
                "database": table({"import": self._import}),
                "register_storage": self._register_storage,
                "print": self.said.append,
                "print_error": self.said.append,
            }
        )
        self._lua.globals().package.loaded["darktable"] = interface
        self._lua.execute(SCRIPT.read_text())

    def set(self, **settings: Any) -> None:
        """Change preferences."""
        assert settings.keys() <= self._settings.keys()
        self._settings |= settings

    def finalize(self, exported: dict[Any, str]) -> None:
        """What darktable calls when every image is exported."""
        images = self._lua.table()
        for image, path in exported.items():
            images[image] = path
        self.storage[3](None, images, None)

    def supports(self, extension: str) -> bool:
        """Whether a format may be chosen for the storage."""
        return self.storage[4](None, self._lua.table_from({"extension": extension}))

    def _register(self, module: str, name: str, kind: str, label: str, tip: str, default: Any, *limits: Any) -> None:
        assert (module, bool(label), bool(tip)) == ("dicface", True, True)
        assert len(limits) == {"string": 0, "integer": 2, "float": 3}[kind]
        self._settings[name] = default

    def _register_storage(self, *given: Any) -> None:
        self.storage = given

    def _execute(self, call: str) -> int:
        self.calls.append(call)
        return subprocess.run(["/bin/sh", "-c", call], capture_output=True, check=False).returncode

    def _import(self, path: str) -> Any:
        assert Path(path).exists()
        self.imported[path] = self.image(str(Path(path).parent), Path(path).name)
        return self.imported[path]


@pytest.mark.slow
@pytest.mark.usefixtures("command")
def test_an_exported_photo_is_restored_imported_and_grouped(
    photo: Path, tmp_path: Path, small_photo: np.ndarray
) -> None:
    darktable = Darktable()
    assert darktable.storage[:2] == ("dicface", "restore faces (dicface)")
    darktable.set(strength=0.5, scale=2)
    original = darktable.image(str(photo.parent), "IMG 1.CR2")
    exported = tmp_path / "exported.PNG"
    shutil.copy(photo, exported)
    darktable.finalize({original: str(exported)})
    result = photo.parent / "IMG 1-restored.png"
    assert list(darktable.imported) == [str(result)]
    grouped = list(darktable.imported[str(result)].grouped.values())
    assert [leader.filename for leader in grouped] == ["IMG 1.CR2"]
    with Image.open(result) as image:
        assert image.size == (2 * small_photo.shape[1], 2 * small_photo.shape[0])
    assert not exported.exists()
    assert darktable.said == ["dicface: 1 done"]
    assert "'--strength' '0.50'" in darktable.calls[0]


@pytest.mark.slow
@pytest.mark.usefixtures("command")
def test_earlier_results_stay(photo: Path, tmp_path: Path) -> None:
    darktable = Darktable()
    (photo.parent / "a-restored.png").write_text("earlier")
    shutil.copy(photo, tmp_path / "exported.png")
    darktable.finalize({darktable.image(str(photo.parent), "a.nef"): str(tmp_path / "exported.png")})
    assert list(darktable.imported) == [str(photo.parent / "a-restored-1.png")]
    assert (photo.parent / "a-restored.png").read_text() == "earlier"


@pytest.mark.slow
@pytest.mark.usefixtures("command")
def test_one_failure_does_not_stop_the_others(photo: Path, tmp_path: Path) -> None:
    darktable = Darktable()
    shutil.copy(photo, tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no photo")
    folder = str(photo.parent)
    exported = {darktable.image(folder, f"{name}.nef"): str(tmp_path / f"{name}.png") for name in ("bad", "good")}
    darktable.finalize(exported)
    assert list(darktable.imported) == [str(photo.parent / "good-restored.png")]
    assert f"dicface failed on {folder}/bad.nef" in darktable.said
    assert darktable.said[-1].startswith("dicface: 1 done, 1 failed")


def test_formats_that_dicface_reads_and_writes_are_supported() -> None:
    darktable = Darktable()
    assert all(darktable.supports(extension) for extension in ("jpg", "PNG", "tif"))
    assert not any(darktable.supports(extension) for extension in ("exr", "pdf", "jxl"))


def test_words_for_the_shell_of_windows(tmp_path: Path) -> None:
    darktable = Darktable("windows")
    darktable.finalize({darktable.image("C:\\photos", "a b.nef"): str(tmp_path / "x.jpg")})
    (call,) = darktable.calls
    assert call.startswith('""dicface" "restore" "')
    assert '"C:\\photos\\a b-restored.jpg"' in call
    assert call.endswith('"lite""')
