"""Inputs and their results are paired."""

from pathlib import Path

from dicface.images.inputs import Job, list_jobs, split_finished


def test_a_folder_may_have_a_dot(tmp_path: Path) -> None:
    """One that is there, or one for several results."""
    out, one, other = tmp_path / "out.v2", tmp_path / "one.png", tmp_path / "other.png"
    assert list_jobs([one, other], out) == [Job(one, out / "one.png"), Job(other, out / "other.png")]
    out.mkdir()
    assert list_jobs([one], out) == [Job(one, out / "one.png")]


def test_what_is_finished_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    done, folder, absent = tmp_path / "done.png", tmp_path / "folder.png", tmp_path / "absent.png"
    done.touch()
    folder.mkdir()
    left = [
        Job(Path("b.png"), done),
        Job(Path("c.png"), folder),
        Job(Path("d.png"), absent),
        Job(Path("e.png"), tmp_path / "e.png", beside=(done,)),
        Job(Path("f"), tmp_path, "found no image"),
    ]
    finished = Job(Path("a.png"), done)
    assert split_finished([finished, *left]) == (left, [finished])


def test_what_would_be_refused_is_not_finished(tmp_path: Path) -> None:
    photo, other = tmp_path / "photo.png", Job(tmp_path / "other.png", tmp_path / "photo.png")
    photo.touch()
    assert split_finished([other, Job(photo, photo)]) == ([other, Job(photo, photo)], [])
