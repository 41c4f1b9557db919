"""Clips among photos: what is listed, and what results are called."""

from pathlib import Path

import pytest

from dicface import UsageError
from dicface.images.clips import is_clip
from dicface.images.listing import list_jobs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo, two clips, one of them below, and a hidden one."""
    for name in ("album/a.jpg", "album/b.mp4", "album/below/c.MOV", "album/.d.mkv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "album"


def test_clips_have_the_names_of_clips() -> None:
    assert [is_clip(name) for name in ("a.mp4", "b.WEBM", Path("c.mkv"), "d.avi", "mp4")] == [True] * 3 + [False] * 2


def test_clips_are_listed_where_they_are_asked_for(folder: Path) -> None:
    out = folder.parent / "out"
    listing = list_jobs([folder], out, clips=True)
    targets = [job.target.relative_to(out).as_posix() for job in listing]
    assert targets == ["a.jpg", "b.mp4", "below/c.MOV"]
    assert listing.left_out == (1, 0, 0)
    assert folder / "b.mp4" in listing
    photos = list_jobs([folder], out)
    assert [job.source.name for job in photos] == ["a.jpg"]
    assert photos.left_out.clips == 0


def test_without_the_extra_clips_in_folders_are_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicface.images.clips.find_spec", lambda _: None)
    listing = list_jobs([folder], folder.parent / "out", clips=True)
    assert [job.source.name for job in listing] == ["a.jpg"]
    assert listing.left_out.text() == "left out 2 clips, for which the extra is missing; pip install 'dicface[video]'"


def test_the_result_of_a_clip_is_named_like_one(folder: Path) -> None:
    clip = folder / "b.mp4"
    assert [job.target.name for job in list_jobs([clip], folder / "new.mkv", clips=True)] == ["new.mkv"]
    with pytest.raises(UsageError, match=r"expected an output ending in one of \.mp4 .*, got 'new\.png'"):
        list_jobs([clip], folder / "new.png", clips=True)
    with pytest.raises(UsageError, match=r"expected an output ending in one of \.png"):
        list_jobs([folder / "a.jpg"], folder / "new.mp4", clips=True)
    with pytest.raises(UsageError, match=r"expected a folder for several results, got 'new\.mp4', which is named like"):
        list_jobs([folder], folder / "new.mp4", clips=True)
