"""Faces found are matched with those that are there."""

import numpy as np
import pytest

from dicface.evaluation.detection import Found, match_faces
from dicface.networks.face_finder import decode_peaks
from tests.support.scenes import FACE, answer, scenes


def test_a_face_is_hit_once_at_its_place_and_size() -> None:
    found = match_faces(decode_peaks(answer((1, 10, 5, 4, 0), (1, 10, 9, 3, 0), (0, 3, 3, 2, 0))), scenes([FACE]))
    # The second peak's box is that of the first, and is suppressed.
    assert sorted(zip(found.scores.round(3).tolist(), found.hits.tolist(), strict=True)) == [
        (pytest.approx(0.881, abs=1e-3), False),
        (pytest.approx(0.982, abs=1e-3), True),
    ]
    assert match_faces(decode_peaks(answer((1, 10, 5, 4, 1.5))), scenes([FACE])).hits.tolist() == [False]
    assert match_faces(decode_peaks(answer((1, 10, 5, 4, 0))), scenes([], [FACE])).hits.tolist() == []


def test_what_was_found_is_joined() -> None:
    one = match_faces(decode_peaks(answer((1, 10, 5, 4, 0))), scenes([FACE]))
    none = match_faces(decode_peaks(answer()), scenes([]))
    joined = Found.joined([one, none, one])
    assert (joined.hits.tolist(), joined.faces) == ([True, True], 2)
    assert np.all(joined.scores == one.scores[0])
