"""Many photos without an engine: shards, reports as lines, going on, and several calls on one folder."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.command import dicface

QUICK = ("--box", "43,21,64,43", "--only-boxes", "--scale", "1")


@pytest.fixture
def folder(photo: Path) -> Path:
    """Three photos and one that is cut off."""
    whole = photo.read_bytes()
    for name in ("below/b.png", "c.png"):
        (photo.parent / name).parent.mkdir(exist_ok=True)
        (photo.parent / name).write_bytes(whole)
    (photo.parent / "cut.png").write_bytes(whole[:900])
    return photo.parent


def rows(path: Path) -> dict[str, dict[str, Any]]:
    return {Path(row["input"]).name: row for row in map(json.loads, path.read_text().splitlines())}


@pytest.mark.slow
def test_shards_with_reports_that_are_merged(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    reports = [tmp_path / f"report-{index}.jsonl" for index in range(2)]
    call = ("restore", folder, "-o", out, *QUICK, "--jobs", "2", "--threads", "1")
    codes = [
        dicface(*call, "--shard", f"{index}/2", "--report", report).returncode for index, report in enumerate(reports)
    ]
    assert sum(codes) == 1
    assert sum(len(report.read_text().splitlines()) for report in reports) == 4
    assert {path.name for path in out.rglob("*.png")} == {"photo.png", "b.png", "c.png"}
    merged = tmp_path / "report.jsonl"
    result = dicface("report", "merge", *reports, "-o", merged)
    assert (result.returncode, result.stdout) == (0, f"3 done, 0 skipped, 1 failed -> {merged}\n")
    by_name = rows(merged)
    assert by_name["cut.png"]["outcome"] == "failed"
    assert len(by_name["b.png"]["faces"][0]["landmarks"]) == 68
    assert dicface("report", "merge", *reports, "-o", merged).returncode == 2
    assert dicface("report", "merge", *reports, "-o", reports[0], "--overwrite").returncode == 2


@pytest.mark.parametrize("shard", ["2/2", "1", "a/b", "-1/2", "0/0"])
def test_a_shard_that_is_none(photo: Path, tmp_path: Path, shard: str) -> None:
    result = dicface("restore", photo, "-o", tmp_path / "out", "--shard", shard)
    assert result.returncode == 2
    assert f"expected --shard I/N with I from 0 to N - 1, such as 0/3, 1/3 and 2/3, got '{shard}'" in result.stderr


@pytest.mark.slow
def test_going_on_tells_settings_apart(folder: Path, tmp_path: Path) -> None:
    (folder / "cut.png").unlink()
    out, report = tmp_path / "out", tmp_path / "report.jsonl"
    call = ("restore", folder, "-o", out, *QUICK, "--report", report, "--no-report-landmarks")
    assert dicface(*call).returncode == 0
    (out / "c.png").unlink()
    # The option stands before an input, which is not taken for its value.
    again = dicface("restore", "--skip-existing", *call[1:], "--strength", "1")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.endswith("skipped 2 of 3, whose results are there\n")
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert [line["outcome"] for line in lines[:3]] == ["done"] * 3
    assert sorted(line["outcome"] for line in lines[3:]) == ["done", "skipped", "skipped"]
    assert "landmarks" not in lines[0]["faces"][0]
    before = {path: path.read_bytes() for path in out.rglob("*.png")}
    other = dicface(*call, "--skip-existing", "--strength", "0.5")
    assert other.returncode == 1
    assert (
        "c.png' exists and was made with other settings; add --overwrite to replace it, or take it as it is with "
        "--skip-existing=any" in other.stderr
    )
    assert (
        dicface(*call, "--skip-existing=any", "--strength", "0.5").stdout == "skipped 3 of 3, whose results are there\n"
    )
    assert {path: path.read_bytes() for path in out.rglob("*.png")} == before
    replaced = dicface(*call, "--skip-existing", "--strength", "0.5", "--overwrite")
    assert (replaced.returncode, "skipped" in replaced.stdout) == (0, False)
    assert not any(path.read_bytes() == content for path, content in before.items())


def test_a_result_that_says_nothing_cannot_be_told_apart(photo: Path, tmp_path: Path) -> None:
    result = dicface("restore", photo, "-o", tmp_path / "out", "--skip-existing", "--no-mark")
    assert result.returncode == 2
    assert "expected --skip-existing=any with --no-mark" in result.stderr
    # BMP holds no metadata: what is there counts.
    Image.open(photo).save(photo.with_suffix(".bmp"))
    call = ("restore", photo.with_suffix(".bmp"), "-o", tmp_path / "out", *QUICK, "--skip-existing")
    assert "skipped" not in dicface(*call).stdout
    assert dicface(*call).stdout == "skipped 1 of 1, whose results are there\n"


@pytest.mark.slow
def test_a_report_in_json_has_the_skipped(folder: Path, tmp_path: Path) -> None:
    call = ("restore", folder, "-o", tmp_path / "out", *QUICK, "--skip-existing", "--no-report-landmarks", "--report")
    assert dicface(*call, tmp_path / "1.json").returncode == 1
    assert dicface(*call, tmp_path / "2.json").returncode == 1
    second = json.loads((tmp_path / "2.json").read_text())
    assert [Path(row["output"]).name for row in second["skipped"]] == ["c.png", "photo.png", "b.png"]
    assert [Path(row["input"]).name for row in second["failed"]] == ["cut.png"]
    assert "landmarks" not in json.loads((tmp_path / "1.json").read_text())["photos"][0]["faces"][0]


@pytest.mark.slow
def test_two_calls_on_one_folder_share_the_work(photo: Path, tmp_path: Path) -> None:
    """Neither does a photo that the other has done or has in work, and nothing fails."""
    for number in range(11):
        (photo.parent / f"{number:02}.png").hardlink_to(photo)
    out = tmp_path / "out"
    reports = [tmp_path / f"{number}.jsonl" for number in range(2)]
    command = [sys.executable, "-m", "dicface", "restore", photo.parent, "-o", out, *QUICK, "--skip-existing"]
    calls = [
        subprocess.Popen(
            [*map(str, command), "--report", str(report), "--backend", "onnxruntime", "--quiet"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for report in reports
    ]
    written = [call.communicate(timeout=120) for call in calls]
    assert [call.returncode for call in calls] == [0, 0], written
    both = [json.loads(line) for report in reports for line in report.read_text().splitlines()]
    done = [row["input"] for row in both if row["outcome"] == "done"]
    assert len(done) == len(set(done)) == 12
    assert sum(row["outcome"] == "skipped" for row in both) == 12
    assert len(list(out.iterdir())) == 12
