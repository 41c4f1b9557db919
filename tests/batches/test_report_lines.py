"""Reports as JSON lines: appended, cut off, merged."""

import json
from pathlib import Path
from typing import Any

import pytest

from dicface.batches.jobs import Failure
from dicface.batches.report_lines import LinesReport, failed_row, merge_reports, skipped_row
from dicface.errors import ImageError, InputError, OutputError
from dicface.images.inputs import Job

JOB = Job(Path("a.png"), Path("out/a.png"))
PHOTO: dict[str, Any] = {"input": "a.png", "stages_s": {"read": 1.0}, "faces": [{"number": 1, "landmarks": [[1, 2]]}]}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_photo_is_a_line_at_once_and_a_second_call_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.jsonl"
    with LinesReport(path) as report:
        report.add(JOB, PHOTO)
        assert rows(path) == [{"outcome": "done", **PHOTO}]
        report.add_failure(Failure(Path("b.png"), ImageError("broken")))
        report.add_skipped(Job(Path("c.png"), Path("out/c.png")))
        assert report.spent_s == {"read": 1.0}
    with path.open("a") as file:
        file.write('{"outcome":"done","input":"cut')  # as a crash of the machine leaves it
    with LinesReport(path, landmarks=False) as report:
        report.add(JOB, PHOTO)
    lines = path.read_text().splitlines()
    assert json.loads(lines[1]) == {"outcome": "failed", "input": "b.png", "error": "broken"}
    assert json.loads(lines[2]) == {"outcome": "skipped", "input": "c.png", "output": "out/c.png"}
    assert lines[3].endswith('"cut')
    assert json.loads(lines[4])["faces"] == [{"number": 1}]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not write"), LinesReport(tmp_path / "file" / "r.jsonl"):
        pass


def test_of_each_input_the_best_row_is_kept(tmp_path: Path) -> None:
    def done(name: str, model: str) -> dict[str, Any]:
        return {"outcome": "done", "input": name, "model": model}

    first = [failed_row("a.png", "broken"), done("b.png", "old"), failed_row("c.png", "1"), skipped_row("d.png", "x")]
    second = [done("a.png", "new"), skipped_row("b.png", "out/b.png"), failed_row("c.png", "2"), done("b.png", "new")]
    for name, report in (("1.jsonl", first), ("2.jsonl", second)):
        (tmp_path / name).write_text("\n".join(map(json.dumps, report)))
    with (tmp_path / "2.jsonl").open("a") as file:
        file.write('\n{"outcome":"done","inp\n\n[]\n')
    merged = merge_reports([tmp_path / "1.jsonl", tmp_path / "2.jsonl"], tmp_path / "all.jsonl")
    assert merged == (2, 1, 1, 2)
    assert rows(tmp_path / "all.jsonl") == [
        skipped_row("d.png", "x"),
        done("a.png", "new"),
        failed_row("c.png", "2"),
        done("b.png", "new"),
    ]
    with pytest.raises(
        InputError, match=r"expected a report as a file of JSON lines, found nothing at '.*absent\.jsonl'"
    ):
        merge_reports([tmp_path / "absent.jsonl"], tmp_path / "all.jsonl")
    (tmp_path / "report.parquet").mkdir()
    with pytest.raises(InputError, match=r"got the folder .* read the parts of a Parquet report as one table"):
        merge_reports([tmp_path / "report.parquet"], tmp_path / "all.jsonl")
    (tmp_path / "report.json").write_text('{\n"faces": []\n}')
    with pytest.raises(
        InputError, match=r"expected reports as JSON lines, found no row in '.*report\.json'; .* ends in \.jsonl"
    ):
        merge_reports([tmp_path / "report.json"], tmp_path / "all.jsonl")
    assert len(rows(tmp_path / "all.jsonl")) == 4, "what was merged before stays"


def test_a_report_without_a_row_is_refused_and_an_empty_one_is_not(tmp_path: Path) -> None:
    """A report as one JSON file would be lost among reports of lines."""
    one, other, empty, blank = (tmp_path / f"{name}.jsonl" for name in ("one", "other", "empty", "blank"))
    one.write_text(json.dumps(skipped_row("a.png", "x")))
    empty.touch()
    blank.write_text("\n\n")
    assert merge_reports([empty, one, blank], tmp_path / "all.jsonl") == (0, 1, 0, 0)
    assert merge_reports([empty], tmp_path / "none.jsonl") == (0, 0, 0, 0)
    other.write_text('{\n"photos": []\n}')
    with pytest.raises(InputError, match=r"found no row in '[^']*other\.jsonl'; ") as raised:
        merge_reports([one, other, empty], tmp_path / "all.jsonl")
    assert "one.jsonl" not in str(raised.value)
    assert rows(tmp_path / "all.jsonl") == [skipped_row("a.png", "x")], "what was merged before stays"
