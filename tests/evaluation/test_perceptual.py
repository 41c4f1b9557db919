"""LPIPS in a measurement: of results and bicubic, with intervals and differences, in every rendering."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from dicface.data.references import References
from dicface.evaluation.measure import Measurement, measure
from dicface.evaluation.perceptual import PerceptualDistance
from dicface.evaluation.report import report_page
from dicface.evaluation.scores import Judges
from dicface.evaluation.summary import summary
from dicface.evaluation.tables import result_grids, write_faces_csv
from dicface.images.pixels import resize
from dicface.runtime.image_model import open_enlargement
from dicface.runtime.landmark_model import LandmarkModel
from tests.support.lpips import write_lpips


@pytest.fixture(scope="module")
def perceptual(tmp_path_factory: pytest.TempPathFactory) -> PerceptualDistance:
    return PerceptualDistance(*write_lpips(tmp_path_factory.mktemp("lpips")))


@pytest.fixture(scope="module")
def references(portrait: np.ndarray) -> References:
    hr = np.stack([portrait[50 + y : 178 + y, 150 + x : 278 + x] for y, x in ((0, 0), (4, 6), (9, 3))])
    return References("portrait", ("a", "b", "c"), hr, None, np.full(3, -1))


@pytest.fixture(scope="module")
def measured(references: References, perceptual: PerceptualDistance) -> Measurement:
    judges = Judges(references, LandmarkModel(), perceptual=perceptual)
    return measure(open_enlargement("lanczos"), references, 16, judges, open_enlargement("bicubic"))


def test_faces_are_no_distance_away_from_themselves(portrait: np.ndarray, perceptual: PerceptualDistance) -> None:
    for side in (128, 256):
        faces = np.stack([resize(portrait[40:200, 140:300], (side, side)), np.full((side, side, 3), 90, np.uint8)])
        assert perceptual(faces, faces).tolist() == [0, 0]
        assert (perceptual(faces, faces[::-1]) > 0.01).all()


def test_distances_grow_with_blur(portrait: np.ndarray, perceptual: PerceptualDistance) -> None:
    face = resize(portrait[40:200, 140:300], (128, 128))
    blurred = np.stack([resize(resize(face, (side, side)), (128, 128)) for side in (64, 32, 16)])
    near, middle, far = perceptual(blurred, np.stack([face] * 3))
    assert 0 < near < middle < far


def test_a_measurement_has_means_intervals_and_differences(
    measured: Measurement, references: References, perceptual: PerceptualDistance
) -> None:
    result = summary(measured)
    assert result["lpips"]["weights"] == perceptual.digests._asdict()
    assert list(result["lpips"]["distance"]) == ["bicubic", "lanczos"]
    crops = [resize(face, (16, 16)) for face in references.hr]
    by_hand = {
        name: perceptual(np.stack([step.sr[-1] for step in open_enlargement(name)(crops)]), references.hr)
        for name in ("bicubic", "lanczos")
    }
    for name, values in by_hand.items():
        distance = result["lpips"]["distance"][name]
        assert distance["mean"] == pytest.approx(values.mean(), rel=1e-5)
        assert distance["ci95"][0] <= distance["mean"] <= distance["ci95"][1]
    better = result["over_bicubic"]["lpips"]
    assert better["difference"] == pytest.approx((by_hand["lanczos"] - by_hand["bicubic"]).mean(), rel=1e-3)
    assert better["win_rate"] == (by_hand["lanczos"] < by_hand["bicubic"]).mean(), "lower is better"
    assert result["against"]["lpips"] == better
    json.dumps(result, allow_nan=False)


def test_prints_are_compared_with_prints(references: References, perceptual: PerceptualDistance) -> None:
    """The truth of a grey face is the grey print, not the face in colour."""
    judges = Judges(references, LandmarkModel(), perceptual=perceptual)
    measured = measure(open_enlargement("lanczos"), references, 64, judges, damage="grey")
    truth = measured.damage.truth(references.hr[:1])
    crop = measured.damage.crop(truth[0], 64, 0)
    (result,) = open_enlargement("lanczos")([crop])
    assert measured.result.scores.judged is not None
    assert measured.result.scores.judged.lpips is not None
    distance = measured.result.scores.judged.lpips[0]
    assert distance == pytest.approx(perceptual(result.sr[-1:], truth)[0], rel=1e-5)
    assert distance < perceptual(result.sr[-1:], references.hr[:1])[0]


def test_parts_are_put_together(
    measured: Measurement, references: References, perceptual: PerceptualDistance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicface.evaluation.scores._PART", 2)
    judges = Judges(references, LandmarkModel(), perceptual=perceptual)
    parts = summary(measure(open_enlargement("lanczos"), references, 16, judges))
    for name, distance in summary(measured)["lpips"]["distance"].items():
        assert parts["lpips"]["distance"][name]["mean"] == pytest.approx(distance["mean"], rel=1e-5)


def test_tables_page_and_csv_show_it(measured: Measurement, tmp_path: Path) -> None:
    (grid,) = (grid for grid in result_grids(measured) if grid.title.startswith("perceptual distance"))
    assert grid.header == ("", "LPIPS (AlexNet)")
    assert [row[0] for row in grid.rows] == ["bicubic", "lanczos"]
    mean = summary(measured)["lpips"]["distance"]["lanczos"]["mean"]
    assert grid.rows[1][1].startswith(f"{mean:.4f} [")
    differences = next(grid for grid in result_grids(measured) if grid.title.endswith("face by face"))
    assert [row[1] for row in differences.rows if row[0] == "LPIPS"] == ["bicubic"]
    assert grid.title in report_page([measured], [open_enlargement("lanczos")])
    write_faces_csv(tmp_path / "faces.csv", [measured])
    with (tmp_path / "faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert np.mean([float(row["model_lpips"]) for row in rows]) == pytest.approx(mean, rel=1e-4)
    assert float(rows[0]["bicubic_lpips"]) > 0


def test_without_weights_nothing_is_said_of_it(references: References, tmp_path: Path) -> None:
    measured = measure(open_enlargement("lanczos"), references, 16, Judges(references, LandmarkModel()))
    result = summary(measured)
    assert "lpips" not in result
    assert "lpips" not in result["over_bicubic"]
    assert not any("LPIPS" in str(grid) for grid in result_grids(measured))
    write_faces_csv(tmp_path / "faces.csv", [dataclasses.replace(measured)])
    assert "lpips" not in (tmp_path / "faces.csv").read_text()
