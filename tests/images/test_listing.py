"""Inputs and their results are paired."""

import os
from pathlib import Path

import pytest

from dicface.images.inputs import Job, LeftOut, Shard, read_list
from dicface.images.listing import list_jobs


def test_a_folder_may_have_a_dot(tmp_path: Path) -> None:
    """One that is there, or one for several results."""
    out, one, other = tmp_path / "out.v2", tmp_path / "one.png", tmp_path / "other.png"
    assert list(list_jobs([one, other], out)) == [Job(one, out / "one.png"), Job(other, out / "other.png")]
    out.mkdir()
    assert list(list_jobs([one], out)) == [Job(one, out / "one.png")]


def album(folder: Path) -> Path:
    """Two photos among what systems and programs leave in folders."""
    names = (
        *("p.jpg", "below/q.png", ".hidden.jpg", "._p.jpg", "Thumbs.db", "scan.pdf", "raw.NEF", "notes.txt"),
        *(".Trash-1000/files/deleted.jpg", ".AppleDouble/p.jpg", "@eaDir/p.jpg/SYNOPHOTO_THUMB_M.jpg"),
        *("#recycle/old.jpg", "$RECYCLE.BIN/S-1/$R1.jpg", ".@__thumb/s100p.jpg", "__MACOSX/._p.jpg"),
        *("below/.thumbnails/t.png", "below/@eaDir/q.png/SYNOPHOTO_THUMB_S.jpg"),
    )
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_bins_thumbnails_and_hidden_files_are_no_photos(tmp_path: Path) -> None:
    folder = album(tmp_path / "album")
    listing = list_jobs([folder], tmp_path / "out")
    assert [job.source.relative_to(folder).as_posix() for job in listing] == ["p.jpg", "below/q.png"]
    assert listing.left_out == (11, 2, 0)
    assert listing.left_out.text() == (
        "left out 11 images in hidden folders, bins and folders of thumbnails; "
        "left out 2 PDF or RAW files; give one by itself to learn what to do with it"
    )


def test_one_is_one() -> None:
    assert LeftOut(1).text() == "left out 1 image in hidden folders, bins and folders of thumbnails"


def test_a_hidden_folder_may_be_given(tmp_path: Path) -> None:
    folder = album(tmp_path / ".album")
    assert len(list(list_jobs([folder], tmp_path / "out"))) == 2
    (job,) = list_jobs([folder / ".Trash-1000"], tmp_path / "out")
    assert job.source.name == "deleted.jpg"
    one = list_jobs([folder / "below" / "q.png"], tmp_path / "out")
    assert len(list(one)) == 1
    assert one.left_out.text() == ""


def test_lists_of_files() -> None:
    assert read_list(b"a b.png\n\n  \nc.png\r\n#d.png") == [Path("a b.png"), Path("c.png"), Path("#d.png")]
    assert read_list(b"a\nb.png\0c.png\0") == [Path("a\nb.png"), Path("c.png")]
    assert read_list("ä.png\n".encode("utf-8-sig")) == read_list("ä.png\n".encode("utf-16")) == [Path("ä.png")]
    assert read_list(b"\xff.png") == [Path(os.fsdecode(b"\xff.png"))]


def test_jobs_come_while_folders_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is read when its turn comes."""
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    read: list[str] = []
    scan = os.scandir

    def scandir(path: str) -> object:
        read.append(Path(path).name)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    jobs = iter(list_jobs([tmp_path], tmp_path.parent / "out"))
    assert next(jobs).source.name == "1.png"
    assert read == [tmp_path.name, "a"]
    assert [job.source.name for job in jobs] == ["2.png"]


def test_shards_have_each_photo_once(tmp_path: Path) -> None:
    """By their paths alone: the same wherever the folder lies, and the same for photos with one result."""
    names = [f"{number % 3}/{number}.png" for number in range(60)] + ["0/same.png", "0/same.gif"]
    for where in ("here", "there"):
        for name in names:
            (tmp_path / where / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / where / name).touch()

    def listed(where: str, index: int) -> set[str]:
        folder = tmp_path / where
        jobs = list_jobs([folder], tmp_path / "out", shard=Shard(index, 3))
        assert jobs.count() == len(list(jobs))
        return {job.source.relative_to(folder).as_posix() for job in jobs}

    shards = [listed("here", index) for index in range(3)]
    assert sorted(name for shard in shards for name in shard) == sorted(names)
    assert shards == [listed("there", index) for index in range(3)]
    assert all(10 < len(shard) < 31 for shard in shards)
    assert [("0/same.png" in shard) == ("0/same.gif" in shard) for shard in shards] == [True] * 3
    # Only a folder without photos in any shard is a failure.
    (tmp_path / "none").mkdir()
    assert [job.problem[:8] for job in list_jobs([tmp_path / "none"], tmp_path, shard=Shard(2, 3))] == ["expected"]
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "1.png").touch()
    assert sum(len(list(list_jobs([tmp_path / "one"], tmp_path, shard=Shard(i, 3)))) for i in range(3)) == 1


def test_inputs_are_known_without_a_list_of_them(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "in" / "out"
    names = ("in/a.png", "in/b/c.jpg", "in/.hidden.png", "in/note.txt", "in/out/a.png", "given.png", "linked.png")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (folder / "link.png").symlink_to(tmp_path / "linked.png")
    listing = list_jobs([folder, tmp_path / "given.png"], out, shard=Shard(0, 50))
    taken = [name for name in names if tmp_path / name in listing]
    assert taken == ["in/a.png", "in/b/c.jpg", "given.png", "linked.png"]
    assert folder / "new.png" not in listing


def test_who_is_alone_with_a_result(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "b.gif", "C.jpg", "c.png", "d.png", "d.uncertainty.png", "below/a.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    jobs = list(list_jobs([tmp_path / "in"], tmp_path / "out"))
    assert [job.source.name for job in jobs if job.alone] == ["a.png", "a.png"]
    assert not any(job.alone for job in list_jobs([tmp_path / "in", tmp_path / "in" / "below"], tmp_path / "out"))
    # Links make one folder of two.
    (tmp_path / "out" / "other").mkdir(parents=True)
    (tmp_path / "out" / "below").symlink_to(tmp_path / "out" / "other")
    jobs = list(list_jobs([tmp_path / "in"], tmp_path / "out"))
    assert [job.source.parent.name for job in jobs if job.alone] == ["in"]
