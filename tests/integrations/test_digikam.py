"""The custom script of digiKam's batch queue manager, with paths put in as digiKam does."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).parent.parent.parent / "integrations" / "digikam" / "dicface.sh"


def run(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Run the script: digiKam quotes both paths, puts them in, and calls a shell."""
    script = SCRIPT.read_text()
    for name, path in (("$INPUT", source), ("$OUTPUT", target)):
        assert not set('"$`\\') & set(str(path))  # digiKam quotes in this way only
        script = script.replace(name, f'"{path}"')
    return subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.usefixtures("command")
def test_it_restores_a_photo(tmp_path: Path, small_photo: np.ndarray) -> None:
    source, target = tmp_path / "mum's photo; 1.png", tmp_path / "out 1.jpg"
    Image.fromarray(small_photo).save(source)
    target.write_bytes(b"")  # digiKam reserves the name
    done = run(source, target)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with Image.open(target) as image:
        assert (image.size, image.format) == (small_photo.shape[1::-1], "JPEG")


@pytest.mark.slow
@pytest.mark.usefixtures("command")
def test_a_failure_is_one_for_digikam(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    done = run(tmp_path / "broken.jpg", tmp_path / "out.jpg")
    assert done.returncode == 1
    assert "broken.jpg" in done.stderr
    assert not (tmp_path / "out.jpg").exists()


def test_the_page_has_the_same_line() -> None:
    page = SCRIPT.parent.parent.parent / "docs" / "integrations.md"
    (line,) = (line for line in SCRIPT.read_text().splitlines() if not line.startswith("#"))
    assert line in page.read_text()
