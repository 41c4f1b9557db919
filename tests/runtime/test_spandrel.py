"""spandrel comes without torchvision, or says what to install. Its networks are tested with the runtime."""

import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

from dicface.errors import UsageError
from dicface.runtime.spandrel import import_spandrel
from dicface.runtime.upscalers import open_model


@pytest.mark.slow
def test_a_torchvision_that_does_not_load_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("raise RuntimeError('built for another torch')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from dicface.runtime.spandrel import import_spandrel\n"
        "assert import_spandrel() is import_spandrel()\n"
        "left = [name for name in sys.modules if name.startswith('torchvision')]\n"
        "assert not left, left\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize("missing", ["spandrel", "einops"])
def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    present = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == missing else present(name))
    with pytest.raises(UsageError, match=rf"{missing} is not installed, .* then pip install --no-deps spandrel"):
        import_spandrel()


def test_without_torch_a_checkpoint_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicface.runtime.image_model.lacks_torch", lambda: True)
    (tmp_path / "a.pth").write_bytes(b"")
    with pytest.raises(UsageError, match=r"torch is not installed, which 'a.pth' needs; .*'dicface\[compare\]'"):
        open_model(str(tmp_path / "a.pth"))
