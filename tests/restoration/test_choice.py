"""Which faces are chosen, and what is no choice."""

from typing import Any

import numpy as np
import pytest

from dicface.errors import UsageError
from dicface.faces.geometry import Box
from dicface.restoration.choice import FaceChoice, checked_boxes, size_px


def test_without_a_choice_every_face_is_restored_wholly() -> None:
    choice = FaceChoice()
    assert choice.takes_number(7)
    assert choice.takes_size(Box(0, 0, 1, 1))
    assert choice.strength_of(7) == 1
    assert choice.missing(0) == ()


def test_strengths_by_number() -> None:
    choice = FaceChoice({3: 0.4, 5: 0})
    assert [choice.strength_of(number) for number in (1, 3, 5)] == [1, 0.4, 0]
    assert [choice.takes_number(number) for number in (1, 3, 5)] == [True, True, False]
    others = FaceChoice({3: 0.4, None: 0.7})
    assert [others.strength_of(number) for number in (1, 3)] == [0.7, 0.4]
    assert others.missing(2) == (3,)
    assert FaceChoice(0.7).missing(2) == ()


def test_numbers_and_sizes() -> None:
    choice = FaceChoice(min_face=20, max_face=40, faces=(1, 9, 4))
    assert [choice.takes_number(number) for number in (1, 2)] == [True, False]
    assert size_px(Box(10, 10, 25, 40)) == 30
    # The longer side decides; the limits themselves are within.
    sizes = [Box(0, 0, 15, 20), Box(0, 0, 19, 19), Box(0, 0, 40, 12), Box(0, 0, 12, 41)]
    assert [choice.takes_size(box) for box in sizes] == [True, False, True, False]
    assert choice.missing(4) == (9,)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"strength": 1.5}, "expected a `strength` from 0 to 1, got 1.5"),
        ({"strength": float("nan")}, "expected a `strength` from 0 to 1, got nan"),
        ({"strength": {2: -1}}, "expected a `strength` from 0 to 1, got -1"),
        ({"strength": {0: 0.5}}, "expected numbers of faces, 1 or more, in `strength`, got 0"),
        ({"faces": [0]}, "expected numbers of faces, 1 or more, in `faces`, got 0"),
        ({"min_face": -1}, "expected `min_face` in pixels, 0 or more, got -1"),
        ({"min_face": 30, "max_face": 20}, "expected `min_face` not above `max_face`, got 30 and 20"),
    ],
)
def test_wrong_choices_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FaceChoice(**wrong)


@pytest.mark.parametrize(
    "boxes",
    [
        [(1, 2, 3)],
        [(1, 2, 3, 4, 5)],
        [(1, 2, 3, float("nan"))],
        [(1, 2, float("inf"), 4)],
        [("1", "2", "3", "4")],
        ["1,2,3,4"],
        [None],
        (1, 2, 3, 4),
        np.ones((2, 5)),
        7,
    ],
)
def test_boxes_that_are_no_four_numbers_are_refused(boxes: Any) -> None:
    with pytest.raises(UsageError, match=r"expected `boxes` as a list of faces with four finite numbers each, .* got "):
        checked_boxes(boxes)


def test_boxes_may_be_any_rows_of_four_numbers() -> None:
    expected = [Box(1, 2, 3, 4), Box(5, 6, 7, 8)]
    rows: list[Any] = [expected, [(1, 2, 3, 4), [5, 6, 7, 8.0]], np.array([[1, 2, 3, 4], [5, 6, 7, 8]])]
    for boxes in rows:
        assert checked_boxes(boxes) == expected
        assert all(type(edge) is float for box in checked_boxes(boxes) for edge in box)
    assert checked_boxes(None) == checked_boxes([]) == []
