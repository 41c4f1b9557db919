"""Faces found are matched with those that are there."""

import numpy as np

from dicface.evaluation.detection import Found, match_faces
from dicface.networks.face_finder import probable
from tests.support.scenes import FACE, answer, scenes


def test_a_face_is_hit_once_at_its_place_and_size() -> None:
    found = match_faces(*probable(answer((1, 10, 5, 4, 24), (1, 10, 7, 3, 24), (0, 3, 3, 2, 20))), scenes([FACE]))
    assert found.hits.tolist() == [True, False, False]
    assert found.chances.tolist() == sorted(found.chances, reverse=True)
    assert match_faces(*probable(answer((1, 10, 5, 4, 60))), scenes([FACE])).hits.tolist() == [False]
    assert match_faces(*probable(answer((1, 10, 5, 4, 24))), scenes([], [FACE])).hits.tolist() == []


def test_what_was_found_is_joined() -> None:
    one = match_faces(*probable(answer((1, 10, 5, 4, 24))), scenes([FACE]))
    none = match_faces(*probable(answer()), scenes([]))
    joined = Found.joined([one, none, one])
    assert (joined.hits.tolist(), joined.faces) == ([True, True], 2)
    assert np.all(joined.chances == one.chances[0])
