"""Faces on disk are the same when they are read again."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from dicface.faces.geometry import Box, Square
from dicface.restoration.quality import QualityWarning
from dicface.restoration.results import Face, Outcome
from dicface.web.faces_file import read_faces, write_faces


def test_faces_are_read_as_they_were_written(tmp_path: Path) -> None:
    values = np.random.default_rng(0)
    full = Face(
        Box(1.5, 2.0, 30.25, 40.0),
        0.75,
        Outcome.RESTORED,
        Square(-3, 4, 50),
        landmarks=values.random((68, 2)).astype(np.float32),
        steps=values.integers(0, 256, (3, 128, 128, 3), dtype=np.uint8),
        uncertainty=values.random((128, 128)).astype(np.float32),
        quality_warnings=(QualityWarning.BLOCKS, QualityWarning.YAW),
        probability=0.9,
        number=2,
        strength=0.4,
        model="other",
        invents=0.3,
        strength_share=0.5,
    )
    bare = Face(Box(0, 0, 5, 5), None, Outcome.FLAT, Square(0, 0, 7), number=3)
    write_faces(tmp_path / "faces.npz", [full, bare])
    read = read_faces(tmp_path / "faces.npz")
    assert len(read) == 2
    for written, again in zip((full, bare), read, strict=True):
        # Every field: one that is added to `Face` and not to the file would be lost.
        for field in fields(Face):
            np.testing.assert_array_equal(getattr(again, field.name), getattr(written, field.name), err_msg=field.name)
            assert type(getattr(again, field.name)) is type(getattr(written, field.name))
    default = Face(Box(0, 0, 1, 1), None, Outcome.FLAT, Square(0, 0, 1))
    assert [field.name for field in fields(Face) if field.name not in ("score",)] == [
        name for name in vars(default) if name != "score"
    ]
    for field in fields(Face):
        if hasattr(default, field.name) and field.name not in ("box", "outcome", "square"):
            changed = not np.array_equal(getattr(full, field.name), getattr(default, field.name))
            assert changed, f"give {field.name} a value in this test that is not its default"
