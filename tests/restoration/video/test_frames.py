"""Frames one after the other: cuts, faces that come and go, choices by track, searches, memory."""

import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dicface import Detection, Outcome, RestoredFrame, Restorer, UsageError
from dicface.restoration.choice import FaceChoice
from dicface.restoration.video.frames import FrameRestorer
from dicface.restoration.video.scenes import SceneCuts
from tests.support.clips import moving_face, write_clip


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer(backend="onnxruntime", threads=1)


def numbers(frame: RestoredFrame) -> list[int]:
    return [face.number for face in frame.faces]


def searched(work: FrameRestorer, frames: Sequence[np.ndarray]) -> tuple[list[int], list[RestoredFrame]]:
    """Numbers of the frames that are searched for faces, and all frames restored."""
    looks, now, search = list[int](), [0], work._detect

    def counted(pixels: np.ndarray) -> list[Detection]:
        looks.append(now[0])
        return search(pixels)

    work._detect = counted
    results = list[RestoredFrame]()
    for now[0], frame in enumerate(frames):
        results.append(work(frame))
    return looks, results


def test_cuts_are_told_from_pans(portrait: np.ndarray) -> None:
    cuts = SceneCuts()
    pan = [portrait[40:300, left : left + 380] for left in range(0, 120, 20)]
    assert [cuts(frame) for frame in pan] == [True] + [False] * 5
    assert cuts(255 - pan[0])
    assert not cuts(255 - pan[1])


@pytest.mark.slow
def test_a_face_keeps_its_number_until_a_cut(restorer: Restorer, portrait: np.ndarray) -> None:
    frames = moving_face(portrait, 4)
    empty = np.full_like(frames[0], 230)
    empty[::2] = 30
    work = restorer.frame_restorer(FaceChoice(), scale=1, rate=25)
    results = [work(frame) for frame in (*frames[:3], empty, *frames[2:])]
    assert [result.is_cut for result in results] == [True, False, False, True, True, False]
    assert [numbers(result) for result in results] == [[1], [1], [1], [], [2], [2]]
    assert [(row.first, row.last, row.restored_frames) for row in work.tracks] == [(0, 2, 3), (4, 5, 2)]
    squares = [result.faces[0].square for result in results[:3]]
    assert squares[0].side == squares[2].side
    assert 2 <= squares[2].left - squares[0].left <= 5


@pytest.mark.slow
def test_the_strength_of_a_track(restorer: Restorer, portrait: np.ndarray) -> None:
    frames = moving_face(portrait, 2)
    (whole, _) = restorer.restore_frames(frames)
    (half, _) = restorer.restore_frames(frames, strength={1: 0.5})
    assert half.faces[0].strength == pytest.approx(whole.faces[0].strength / 2)
    changes = [np.abs(each.image.astype(int) - frames[0]).sum() for each in (half, whole)]
    assert 0 < changes[0] < changes[1] * 0.7
    (left, _) = restorer.restore_frames(frames, faces=[2])
    assert left.faces[0].outcome is Outcome.NOT_CHOSEN
    assert np.array_equal(left.image, frames[0])


def test_a_face_that_appears_fades_in(restorer: Restorer, portrait: np.ndarray) -> None:
    frames = moving_face(portrait, 10, step_px=0)
    hidden = frames[0].copy()
    hidden[:, 70:100] = hidden[:, 40:70]
    hidden[10:90, 30:110] = 120
    shown = list(restorer.restore_frames([hidden] * 2 + frames))
    strengths = [result.faces[0].strength if result.faces else 0.0 for result in shown]
    assert strengths[0] == 0
    assert strengths[-1] > 0
    rising = [value for value in strengths if value > 0]
    assert rising == sorted(rising)
    assert rising[0] < rising[-1]


def test_faces_are_searched_every_few_frames_and_followed_between(restorer: Restorer, portrait: np.ndarray) -> None:
    frames = moving_face(portrait, 6)
    looks, results = searched(restorer.frame_restorer(FaceChoice(), scale=1, rate=10), frames)
    assert looks == [0, 3]
    assert [numbers(result) for result in results] == [[1]] * 6
    middles = [(face.box.left + face.box.right) / 2 for result in results for face in result.faces]
    assert np.diff(middles) == pytest.approx(2, abs=0.8)


def test_a_gap_is_bridged_by_an_early_search(restorer: Restorer, portrait: np.ndarray) -> None:
    """A face that something hides for three frames is searched before its turn, fades, and keeps its number."""
    frames = moving_face(portrait, 7, step_px=0)
    for frame in frames[1:4]:
        frame[20:100, 30:110] = 120
    looks, results = searched(restorer.frame_restorer(FaceChoice(), scale=1, rate=25), frames)
    assert looks == [0, 3]
    assert not any(result.is_cut for result in results[1:])
    assert [numbers(result) for result in results] == [[1]] * 7
    strengths = [result.faces[0].strength for result in results]
    assert strengths[0] > strengths[1] > strengths[2] > strengths[3]
    assert strengths[3] < strengths[4] < strengths[5]


@pytest.mark.parametrize("from_file", [False, True])
def test_frames_are_let_go(
    restorer: Restorer, portrait: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_file: bool
) -> None:
    """Whatever the number of frames, those before the last are gone, and so are their results."""
    frames, living = moving_face(portrait, 6), list[int]()
    kept = list["weakref.ref[np.ndarray]"]()
    restore = FrameRestorer.__call__

    def watched(work: FrameRestorer, pixels: np.ndarray) -> RestoredFrame:
        living.append(sum(each() is not None for each in kept))
        made = restore(work, pixels)
        kept.extend(map(weakref.ref, (pixels, made.image)))
        return made

    monkeypatch.setattr(FrameRestorer, "__call__", watched)
    if from_file:
        restorer.restore_video(write_clip(tmp_path / "a.mkv", frames), tmp_path / "out.mkv")
    else:
        for _ in restorer.restore_frames(frame.copy() for frame in frames):
            pass
    assert len(living) == 6
    assert max(living) <= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 0}, "expected a rate above 0 and up to 1000 frames a second, got 0"),
        ({"scale": 0.5}, "expected a `scale` from 1 to 8, got 0.5"),
        ({"strength": 2}, "expected a `strength` from 0 to 1, got 2"),
    ],
)
def test_wrong_arguments(restorer: Restorer, arguments: dict, message: str) -> None:
    with pytest.raises(UsageError) as error:
        restorer.restore_frames([], **arguments)
    assert str(error.value) == message
