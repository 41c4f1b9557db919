"""Each face once."""

import time

import numpy as np
import pytest

from dicface.runtime.suppression import intersections_over_union, non_maximum_suppression


def test_overlaps_are_those_worked_out_by_hand() -> None:
    overlaps = intersections_over_union(
        np.array([0, 0, 4, 4.0]), np.array([[2, 0, 6, 4], [4, 0, 8, 4], [0, 0, 4, 4.0]])
    )
    assert overlaps.tolist() == pytest.approx([8 / 24, 0, 1])


def test_the_best_of_overlapping_boxes_is_kept() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10.0]])
    assert non_maximum_suppression(boxes, np.array([0.5, 0.9, 0.7])).tolist() == [1, 2]
    assert non_maximum_suppression(boxes[:0], np.empty(0)).tolist() == []


def test_parts_of_a_better_face_are_none_and_small_faces_survive_a_worse_box() -> None:
    face, eye, crowd = [0, 0, 100, 100], [20, 20, 40, 40], [-100, -100, 200, 200]
    boxes = np.array([face, eye, crowd], dtype=float)
    assert non_maximum_suppression(boxes, np.array([0.9, 0.8, 0.3])).tolist() == [0, 2]
    assert non_maximum_suppression(boxes, np.array([0.5, 0.9, 0.1])).tolist() == [1, 0, 2]


def test_faces_that_touch_are_two() -> None:
    boxes = np.array([[0, 0, 20, 20], [14, 4, 34, 24.0]])
    assert len(non_maximum_suppression(boxes, np.array([0.9, 0.8]))) == 2


def test_a_crowd_takes_no_minutes() -> None:
    corners = 20.0 * np.stack(np.meshgrid(np.arange(60), np.arange(50)), axis=-1).reshape(-1, 2)
    boxes = np.concatenate([corners, corners + 16], axis=1)
    start = time.process_time()
    assert len(non_maximum_suppression(boxes, np.linspace(1, 0, len(boxes)))) == 3000
    assert time.process_time() - start < 5
