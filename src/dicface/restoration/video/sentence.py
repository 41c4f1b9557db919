"""The sentence about a restored clip."""

from collections import Counter
from collections.abc import Sequence

from dicface.restoration.results import Outcome
from dicface.restoration.video.results import FaceTrack


def clip_sentence(tracks: Sequence[FaceTrack], frames: int, notes: Sequence[str], *, stopped: bool) -> str:
    """Numbers of faces by outcome, number of frames, and notes, as text.

    Args:
        tracks: of the clip.
        frames: number of frames written.
        notes: on reading and writing.
        stopped: it ends early.
    """
    outcomes = Counter(track.outcome for track in tracks)
    done = outcomes.pop(Outcome.RESTORED, 0)
    found = f"{done} of {len(tracks)} faces restored" if tracks else "no face found"
    left_alone = (f"{count} {outcome.value}" for outcome, count in outcomes.items())
    early = ["stopped early: the result ends there"] if stopped else []
    return ", ".join((f"{found} in {frames} frames", *left_alone, *notes, *early))
