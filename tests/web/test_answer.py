"""What the page shows for one photo, without the page."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface.errors import UsageError
from dicface.images.photo import read_photo
from dicface.images.xmp import COMPOSITE, ENHANCED
from dicface.web.answer import Request, answer, read_boxes


def test_an_answer_has_all_that_is_shown(tmp_path: Path, small_photo: np.ndarray) -> None:
    image = Image.fromarray(small_photo)
    image.putalpha(200)
    image.save(tmp_path / "a.png")
    done = answer(Request(tmp_path / "a.png", tmp_path, "lite", 2, read_boxes("43, 21, 64, 43\n")))
    assert done.summary.startswith("1 of 1 faces restored. 121x121 to 242x242 px in ")
    with Image.open(done.photo) as photo, Image.open(done.before) as before, Image.open(done.after) as after:
        assert (photo.mode, photo.size) == ("RGBA", (242, 242))
        assert before.size == after.size == (242, 242)
    (strip,) = done.faces
    assert done.captions == ("1: drawn",)
    # A browser saves these, too.
    marks = [read_photo(path).metadata.xmp.decode() for path in (done.photo, done.after, strip, done.before)]
    assert [COMPOSITE in mark for mark in marks] == [True, True, True, False]
    assert ENHANCED in marks[3]
    with Image.open(strip) as faces:
        # The crop, three steps, and the landmarks, with gaps between.
        assert faces.size == (5 * 128 + 4 * 2, 128)
    assert json.loads(done.report.read_text())["input"] == "a.png"


def test_a_photo_on_its_side_is_said_to_lie_so_and_each_face_has_its_probability(
    tmp_path: Path, small_photo: np.ndarray
) -> None:
    Image.fromarray(np.rot90(small_photo)).save(tmp_path / "a.png")
    done = answer(Request(tmp_path / "a.png", tmp_path, "lite", 1))
    assert "the photo lies on its side" in done.summary
    report = json.loads(done.report.read_text())
    assert report["turned_degrees"] == 270
    probabilities = [face["probability"] for face in report["faces"] if face["outcome"] == "restored"]
    assert done.captions == tuple(
        f"{number}: a face with a probability of {probability:.0%}"
        for number, probability in enumerate(probabilities, start=1)
    )


def test_what_to_doubt_is_said_on_the_page(tmp_path: Path, small_photo: np.ndarray) -> None:
    Image.fromarray(small_photo).save(tmp_path / "a.jpg", quality=40)
    done = answer(Request(tmp_path / "a.jpg", tmp_path, "lite", 1, read_boxes("43, 21, 64, 43")))
    assert done.summary.startswith("1 of 1 faces restored, warning: face 1 shows JPEG blocks. 121x121 to 121x121 px in")


def test_a_photo_without_a_face_says_what_to_do(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "grey").save(tmp_path / "a.png")
    done = answer(Request(tmp_path / "a.png", tmp_path, "lite", 1))
    assert done.summary.startswith('No face found: draw it under "Draw faces yourself". 64x48 to 64x48 px in')


def test_a_result_too_large_for_a_page_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (2000, 1000)).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="expected a result of at most 64 megapixels, got 16000x8000"):
        answer(Request(tmp_path / "a.png", tmp_path, "lite", 8))


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "1 2 3 4", "[1],2,3,4"])
def test_a_box_that_is_none_is_said(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected a box as left, top, right, bottom in pixels of the photo, got"):
        read_boxes(text)
