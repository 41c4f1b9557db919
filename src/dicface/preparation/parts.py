"""Finished work, kept in part files beside a pack until the pack is whole.

A part holds the faces of a run of photos, and what was skipped there. It appears whole or not at all; what is there
need not be done again.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dicface.errors import InputError, OutputError, UsageError
from dicface.files import write_json, written_whole
from dicface.landmarks import KEYPOINTS
from dicface.preparation.duplicates import Hashes

_SCHEMA = pa.schema(
    [
        ("photo", pa.string()),
        ("face", pa.int32()),
        ("image", pa.binary()),
        ("landmarks", pa.list_(pa.float32(), KEYPOINTS * 2)),
        ("hashes", pa.list_(pa.uint64(), 8)),
        ("square", pa.list_(pa.int32(), 3)),
        ("heatmap_confidence", pa.float32()),
    ]
)
_SKIPPED = b"dicface.skipped"
_SETTINGS = "settings.json"


class CutFace(NamedTuple):
    """A face cut out of a photo.

    Attributes:
        photo: name of the photo.
        face: number of the face in it, from 1, the skipped ones counted.
        image: encoded square RGB.
        landmarks: (68, 2) float32 x, y in pixels of the image, pixel centres at integers.
        hashes: (2, 4) uint64, see `face_hashes`.
        square: left, top, side of the nominal crop in pixels of the photo.
        heatmap_confidence: how sure the landmarks are, about 1 at best; 1 if they were given.
    """

    photo: str
    face: int
    image: bytes
    landmarks: NDArray[np.float32]
    hashes: Hashes
    square: tuple[int, int, int]
    heatmap_confidence: float


class CropOrigin(NamedTuple):
    """Where a face was cut out; see `CutFace`."""

    photo: str
    face: int
    square: tuple[int, int, int]
    heatmap_confidence: float


class Skipped(NamedTuple):
    """A face that is not in the pack, or a photo without any.

    Attributes:
        photo: name of the photo.
        face: number of the face in it, from 1; None if it is about the whole photo.
        reason: one of a few words.
        detail: what it is about, in numbers.
        box: left, top, right, bottom of the face in pixels of the photo; None where there is no face.
    """

    photo: str
    face: int | None
    reason: str
    detail: str = ""
    box: tuple[float, float, float, float] | None = None


class PartFolder:
    """The parts of one pack."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is read or made yet.

        Args:
            path: `DATA.parquet.parts`.
        """
        self.path = path

    def begin(self, settings: dict[str, Any]) -> None:
        """Make the folder, or find it as an earlier call with the same settings left it.

        Args:
            settings: everything that what the parts hold depends on; JSON.

        Raises:
            UsageError: it belongs to other settings; the error names them.
            OutputError: it cannot be made.
        """
        recorded = self.path / _SETTINGS
        if recorded.exists():
            try:
                earlier = json.loads(recorded.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise UsageError(f"{str(recorded)!r} is damaged; delete the folder to begin anew") from error
            other = sorted(key for key in {**settings, **earlier} if settings.get(key) != earlier.get(key))
            if other:
                differences = ", ".join(f"{key} {earlier.get(key)!r} (now {settings.get(key)!r})" for key in other)
                raise UsageError(
                    f"{str(self.path)!r} holds unfinished work that was begun with {differences}; "
                    "call it as before to go on, or delete the folder to begin anew"
                )
        elif self.path.exists() and any(self.path.iterdir()):
            raise UsageError(f"expected {str(self.path)!r} to hold the parts of a pack, it holds something else")
        else:
            write_json(recorded, settings)
        # What a killed call was writing.
        for rest in self.path.glob(".part-*"):
            with suppress(OSError):
                rest.unlink()

    def _file(self, number: int) -> Path:
        return self.path / f"part-{number:06d}.parquet"

    def has(self, number: int) -> bool:
        """Whether a part is there."""
        return self._file(number).exists()

    def write(self, number: int, faces: Sequence[CutFace], skipped: Sequence[Skipped]) -> None:
        """Keep a part.

        Raises:
            OutputError: it cannot be written.
        """
        rows = [
            {**face._asdict(), "landmarks": face.landmarks.reshape(-1), "hashes": face.hashes.reshape(-1)}
            for face in faces
        ]
        schema = _SCHEMA.with_metadata({_SKIPPED: json.dumps(skipped).encode()})
        with written_whole(self._file(number)) as part:
            pq.write_table(pa.Table.from_pylist(rows, schema), part)

    def _read(self, number: int, columns: list[str]) -> Any:
        path = self._file(number)
        try:
            return pq.read_table(path, columns=columns)
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(f"could not read {str(path)!r}: {error}; delete it and call again") from error

    def skipped(self, number: int) -> list[Skipped]:
        """What a part skipped, in the order of the photos."""
        listed = json.loads(self._read(number, ["face"]).schema.metadata[_SKIPPED])
        return [
            Skipped(photo, face, reason, detail, None if box is None else (box[0], box[1], box[2], box[3]))
            for photo, face, reason, detail, box in listed
        ]

    def origins(self, number: int) -> list[CropOrigin]:
        """Where each face of a part was cut out."""
        table = self._read(number, list(CropOrigin._fields))
        columns = (table[name].to_pylist() for name in CropOrigin._fields)
        return [
            CropOrigin(photo, face, tuple(square), heatmap_confidence)
            for photo, face, square, heatmap_confidence in zip(*columns, strict=True)
        ]

    def hashes(self, number: int) -> Hashes:
        """(N, 2, 4) uint64, the hashes of a part's faces."""
        table = self._read(number, ["hashes"])
        return np.array(table["hashes"].combine_chunks().flatten(), dtype=np.uint64).reshape(-1, 2, 4)

    def crops(self, number: int) -> list[tuple[bytes, NDArray[np.float32]]]:
        """Image and (68, 2) landmarks of each face of a part."""
        table = self._read(number, ["image", "landmarks"])
        flat = np.array(table["landmarks"].combine_chunks().flatten(), dtype=np.float32)
        return list(zip(table["image"].to_pylist(), flat.reshape(-1, KEYPOINTS, 2), strict=True))

    def remove(self) -> None:
        """Delete the parts and, if nothing else lies there, the folder.

        Raises:
            OutputError: something cannot be deleted.
        """
        try:
            for file in (*self.path.glob("part-*.parquet"), self.path / _SETTINGS):
                file.unlink(missing_ok=True)
            self.path.rmdir()
        except OSError as error:
            raise OutputError(f"the pack is whole, but {str(self.path)!r} could not be deleted: {error}") from error
