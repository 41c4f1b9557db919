"""Inputs and their results are paired."""

import os
from pathlib import Path

from dicface.images.inputs import Job, list_jobs, read_list, split_finished


def test_a_folder_may_have_a_dot(tmp_path: Path) -> None:
    """One that is there, or one for several results."""
    out, one, other = tmp_path / "out.v2", tmp_path / "one.png", tmp_path / "other.png"
    assert list_jobs([one, other], out).jobs == [Job(one, out / "one.png"), Job(other, out / "other.png")]
    out.mkdir()
    assert list_jobs([one], out).jobs == [Job(one, out / "one.png")]


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
    assert [job.source.relative_to(folder).as_posix() for job in listing.jobs] == ["p.jpg", "below/q.png"]
    assert (listing.hidden, listing.foreign) == (11, 2)
    assert listing.left_out() == (
        "left out 11 images in hidden folders, bins and folders of thumbnails; "
        "left out 2 PDF and RAW files; give one by itself to learn what to do with it"
    )


def test_a_hidden_folder_may_be_given(tmp_path: Path) -> None:
    folder = album(tmp_path / ".album")
    assert len(list_jobs([folder], tmp_path / "out").jobs) == 2
    (job,) = list_jobs([folder / ".Trash-1000"], tmp_path / "out").jobs
    assert job.source.name == "deleted.jpg"
    assert list_jobs([folder / "below" / "q.png"], tmp_path / "out").left_out() == ""


def test_lists_of_files() -> None:
    assert read_list(b"a b.png\n\n  \nc.png\r\n#d.png") == [Path("a b.png"), Path("c.png"), Path("#d.png")]
    assert read_list(b"a\nb.png\0c.png\0") == [Path("a\nb.png"), Path("c.png")]
    assert read_list("ä.png\n".encode("utf-8-sig")) == read_list("ä.png\n".encode("utf-16")) == [Path("ä.png")]
    assert read_list(b"\xff.png") == [Path(os.fsdecode(b"\xff.png"))]
