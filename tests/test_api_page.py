"""docs/api.md: its programs run as they stand."""

import logging
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dicface

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS)
def test_its_programs_run(
    program: str, tmp_path: Path, small_photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(small_photo).save(tmp_path / "photo.jpg", quality=95)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)  # the log of the tests is theirs
    exec(program, {})
    written = {"result.save": {"restored.png"}, "restore_file(": {"out.jpg", "map.png"}}
    expected = {name for call, names in written.items() if call in program for name in names}
    assert {path.name for path in tmp_path.iterdir()} == {"photo.jpg"} | expected


def test_it_names_all_that_is_public() -> None:
    text = PAGE.read_text(encoding="utf-8")
    errors = {name for name in dicface.__all__ if name.endswith("Error")}
    for name in set(dicface.__all__) - errors - {"__version__"}:
        assert f"`{name}`" in text, name
