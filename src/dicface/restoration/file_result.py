"""FileResult: what came of restoring or upscaling one file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dicface.files import file_digest
from dicface.images.photo import Photo
from dicface.restoration.report import face_row
from dicface.restoration.results import Restoration


@dataclass(frozen=True, repr=False)
class FileResult:
    """Result of one file.

    Attributes:
        source, target: the file that was read, and the one that was written.
        photo: the decoded source.
        restoration: the result; for a face crop, its image is the written one.
        scale: enlargement of the photo.
        sentence: outcome of the faces and notes on the files as text.
        notes: notes on reading and writing the files.
        stages_s: seconds spent on each stage; other photos may have been worked on meanwhile.
    """

    source: Path
    target: Path
    photo: Photo
    restoration: Restoration
    scale: float
    sentence: str
    notes: tuple[str, ...]
    stages_s: Mapping[str, float]

    def __repr__(self) -> str:
        return f"FileResult({str(self.source)!r} -> {str(self.target)!r}: {self.sentence})"

    @property
    def elapsed_s(self) -> float:
        """Seconds spent on all stages."""
        return sum(self.stages_s.values())

    def report_row(self) -> dict[str, Any]:
        """The file's row of the report, JSON-ready.

        Boxes are left, top, right, bottom in pixels of the input, edges; landmarks are 68 x, y in pixels of the input,
        pixel centres at integers; uncertainty is the mean of a face's map, in grey levels; probability is that of being
        a face.
        """
        height, width = self.restoration.image.shape[:2]
        provenance = self.restoration.provenance
        assert provenance is not None
        return {
            "input": str(self.source),
            "input_sha256": file_digest(self.source),
            "output": str(self.target),
            "output_size": [width, height],
            "digital_source_type": provenance.source_type,
            "model": provenance.model,
            "model_sha256": provenance.model_sha256,
            "settings_sha256": provenance.settings_sha256,
            "version": provenance.version,
            "scale": self.scale,
            "turned_degrees": self.restoration.turned_degrees,
            "notes": list(self.notes),
            "elapsed_s": round(self.elapsed_s, 3),
            "stages_s": {stage: round(spent_s, 3) for stage, spent_s in self.stages_s.items()},
            "faces": [face_row(face) for face in self.restoration.faces],
        }
