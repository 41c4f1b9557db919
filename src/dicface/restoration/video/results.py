"""Results of clips: faces over time, and the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dicface.files import file_digest
from dicface.images.xmp import Provenance
from dicface.restoration.results import Outcome


@dataclass(frozen=True)
class FaceTrack:
    """One face of a clip over time, as in the report.

    Attributes:
        number: its number, in the order in which tracks are first taken for faces.
        outcome: whether it was restored, or why not.
        first, last: numbers of the frames in which it was seen, from 0.
        restored_frames: number of frames in which it was restored.
        size_px: mean of its longer side, brows to chin, in pixels of the clip.
        strength: strength of the restoration, without fades.
        probability: that it is a face, by the last search; None without calibration.
    """

    number: int
    outcome: Outcome
    first: int
    last: int
    restored_frames: int
    size_px: float
    strength: float
    probability: float | None


@dataclass(frozen=True, repr=False)
class VideoResult:
    """Result of one clip.

    Attributes:
        source, target: the file that was read, and the one that was written.
        size: width and height of the result's frames in pixels.
        frames: number of frames written.
        rate: mean frames a second of the source.
        tracks: faces over time, restored or not, in the order of their numbers.
        scale: enlargement of the frames.
        provenance: model, version and settings.
        stopped: whether the result ends early because the call was stopped.
        sentence: outcome of the faces and notes on the files as text.
        notes: notes on reading and writing the files.
        stages_s: seconds spent on each stage.
    """

    source: Path
    target: Path
    size: tuple[int, int]
    frames: int
    rate: float
    tracks: tuple[FaceTrack, ...]
    scale: float
    provenance: Provenance
    stopped: bool
    sentence: str
    notes: tuple[str, ...]
    stages_s: Mapping[str, float]

    def __repr__(self) -> str:
        return f"VideoResult({str(self.source)!r} -> {str(self.target)!r}: {self.sentence})"

    @property
    def elapsed_s(self) -> float:
        """Seconds spent on all stages."""
        return sum(self.stages_s.values())

    def report_row(self) -> dict[str, Any]:
        """The clip's row of the report, JSON-ready: that of a photo with `tracks` in place of faces."""
        return {
            "input": str(self.source),
            "input_sha256": file_digest(self.source),
            "output": str(self.target),
            "output_size": list(self.size),
            "digital_source_type": self.provenance.source_type,
            "model": self.provenance.model,
            "model_sha256": self.provenance.model_sha256,
            "settings_sha256": self.provenance.settings_sha256,
            "version": self.provenance.version,
            "scale": self.scale,
            "frames": self.frames,
            "rate": round(self.rate, 3),
            "stopped": self.stopped,
            "notes": list(self.notes),
            "elapsed_s": round(self.elapsed_s, 3),
            "stages_s": {stage: round(spent_s, 3) for stage, spent_s in self.stages_s.items()},
            "faces": [],
            "tracks": [_track_row(track) for track in self.tracks],
        }


def _track_row(track: FaceTrack) -> dict[str, Any]:
    return {
        "number": track.number,
        "outcome": track.outcome.name.lower(),
        "reason": track.outcome.value,
        "first_frame": track.first,
        "last_frame": track.last,
        "restored_frames": track.restored_frames,
        "size_px": round(track.size_px, 2),
        "strength": round(track.strength, 3),
        "probability": None if track.probability is None else round(track.probability, 4),
    }
