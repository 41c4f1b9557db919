"""The photo with numbered faces in the colour of what would happen to each."""

from pathlib import Path

import numpy as np
import pytest

from dicface import Box, Outcome, Restorer, read_photo
from dicface.faces.geometry import Square
from dicface.images.photo import Photo, write_photo
from dicface.restoration.preview import COLOURS, preview_file, preview_image
from dicface.restoration.results import Face, FoundFaces


def test_boxes_have_the_colour_of_the_outcome() -> None:
    boxes = [Box(200, 200, 300, 300), Box(500, 500, 600, 640)]
    outcomes = [Outcome.RESTORED, Outcome.TOO_LARGE]
    faces = tuple(
        Face(box, 1.0, outcome, Square(0, 0, 1), number=number)
        for number, (box, outcome) in enumerate(zip(boxes, outcomes, strict=True), 1)
    )
    pixels = np.full((800, 900, 3), 77, np.uint8)
    image = preview_image(pixels, FoundFaces(faces))
    for box, outcome in zip(boxes, outcomes, strict=True):
        middle = round((box.top + box.bottom) / 2)
        assert tuple(image[middle, round(box.left)]) == COLOURS[outcome]
        assert tuple(image[middle, round(box.left) + 20]) == (77, 77, 77)
        # The number stands on a plate above the box.
        plate = image[round(box.top) - 12 : round(box.top), round(box.left) : round(box.left) + 12]
        assert (plate == COLOURS[outcome]).all(axis=2).mean() > 0.3
    # The legend names what happens, a line each.
    legend = image[800:, :25]
    assert legend.shape[0] > 30
    for outcome in Outcome:
        assert (legend == COLOURS[outcome]).all(axis=2).any() == (outcome in outcomes)
    assert len(set(COLOURS.values())) == len(Outcome)


def test_a_small_photo_is_enlarged_and_nothing_is_changed_below_the_boxes(small_photo: np.ndarray) -> None:
    image = preview_image(small_photo, FoundFaces(()))
    assert image.shape[1] == 6 * 121
    assert image.shape[0] > 6 * 121


def test_a_file_gets_a_file(small_photo: np.ndarray, tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png", Photo(small_photo))
    restorer = Restorer(backend="onnxruntime")
    boxes = [Box(43, 21, 64, 43), Box(20, 60, 40, 80)]
    result = preview_file(
        tmp_path / "a.png", tmp_path / "b.png", restorer=restorer, boxes=boxes, only_boxes=True, faces=[2]
    )
    assert [face.outcome for face in result.found.faces] == [Outcome.NOT_CHOSEN, Outcome.RESTORED]
    assert result.sentence == "1 of 2 faces would be restored"
    drawn = preview_image(small_photo, result.found)
    np.testing.assert_array_equal(read_photo(tmp_path / "b.png").pixels, drawn)
    with pytest.raises(Exception, match="exists; add `overwrite`"):
        preview_file(tmp_path / "a.png", tmp_path / "b.png", restorer=restorer)
