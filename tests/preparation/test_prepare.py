"""Photos to packs: nothing lost, nothing twice, stopped and gone on with, divided without leaks.

Where the network is not needed, photos are generated and annotated, which makes a face a matter of milliseconds.
"""

import csv
import multiprocessing
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dicface.data.packs import SCHEMA, read_pack
from dicface.errors import DicfaceError, InputError, OutputError, UsageError
from dicface.images.pixels import resize
from dicface.preparation import prepare as module
from dicface.preparation.assignment import Selection
from dicface.preparation.cutting import Recipe
from dicface.preparation.duplicates import SAME_BITS, differing_bits, face_hashes
from dicface.preparation.prepare import Preparation, list_photos, prepare
from dicface.preparation.results import Results
from dicface.preparation.splits import Shares
from dicface.preparation.workers import cut_in_order
from tests.support.preparation import into, run

NO_PHOTO = "expected an image (JPEG, PNG, WEBP, AVIF, TIFF, BMP, GIF), got something else or a damaged header"


def write_photo(path: Path, seed: int, quality: int = 95) -> None:
    """A photo without a face, unlike those of other seeds, and a `.pts` file that says there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = resize(np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8), (260, 240))
    Image.fromarray(pixels).save(path, quality=quality)
    write_pts(path, seed)


def write_pts(path: Path, seed: int) -> None:
    points = np.random.default_rng(seed).uniform((60, 50), (190, 180), (68, 2))
    points[:2] = (60, 50), (190, 180)
    lines = "\n".join(f"{x + 1} {y + 1}" for x, y in points)
    path.with_suffix(".pts").write_text(f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve photos; the last two are the first one, saved with less and moved by a pixel."""
    folder = tmp_path / "in"
    for number in range(10):
        write_photo(folder / f"{number:02d}.jpg", number)
    write_photo(folder / "10.jpg", 0, quality=40)
    with Image.open(folder / "00.jpg") as image:
        image.transform(image.size, Image.Transform.AFFINE, (1, 0, 1, 0, 1, 0)).save(folder / "11.png")
    write_pts(folder / "11.png", 0)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_pack_its_lists_and_nothing_else(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done: list[int] = []
    written = run(photos, out, Selection(source="made"), advance=done.append)
    assert written.faces == {out / "d.parquet": 10}
    assert written.reasons == {"nearly a duplicate": 2}
    assert sum(done) == 12
    assert sorted(path.name for path in out.iterdir()) == ["d.faces.csv", "d.parquet", "d.skipped.csv"]
    assert pq.ParquetFile(out / "d.parquet").schema_arrow.equals(SCHEMA)
    pack = read_pack(out / "d.parquet")
    assert pack.keys == tuple(f"made/{number:02d}.jpg#1" for number in range(10))
    assert pack.images.shape == (10, 144, 144, 3)
    skipped = rows(out / "d.skipped.csv")
    assert [row["photo"] for row in skipped] == ["10.jpg", "11.png"]
    for row in skipped:
        assert row["detail"].endswith("of 256 bits from made/00.jpg#1")
    kept = rows(out / "d.faces.csv")
    assert [row["key"] for row in kept] == list(pack.keys)
    assert [int(kept[0][edge]) for edge in ("left", "top", "side")] == [41, 31, 169]


def test_near_duplicates_may_be_kept(photos: Path, tmp_path: Path) -> None:
    assert run(photos, tmp_path / "out", Selection(keep_duplicates=True)).faces == {tmp_path / "out" / "d.parquet": 12}


@pytest.mark.slow
def test_processes_change_nothing(photos: Path, tmp_path: Path) -> None:
    for jobs in (1, 2):
        run(photos, tmp_path / f"out{jobs}", jobs=jobs)
    for name in ("d.parquet", "d.skipped.csv", "d.faces.csv"):
        assert (tmp_path / "out1" / name).read_bytes() == (tmp_path / "out2" / name).read_bytes()


@pytest.mark.slow
def test_a_killed_call_goes_on_where_it_was(photos: Path, tmp_path: Path) -> None:
    """With SIGKILL, in the third of four parts, with two processes, which must not outlive it."""
    out = tmp_path / "out"
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.support.preparation import run\n"
        "done = 0\n"
        "def advance(count):\n"
        "    global done\n"
        "    done += count\n"
        "    while done > 6:\n"
        "        time.sleep(1)\n"
        "run(Path(sys.argv[1]), Path(sys.argv[2]), jobs=2, advance=advance)\n"
    )
    killed = subprocess.Popen([sys.executable, "-c", code, photos, out], start_new_session=True)
    second = out / "d.parquet.parts" / "part-000001.parquet"
    deadline = time.monotonic() + 120
    while not second.exists():
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    assert not (out / "d.parquet").exists()
    kept = second.stat().st_mtime_ns
    done: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "cut_in_order", lambda tasks, *rest: cut_in_order(counted(tasks, done), *rest))
        run(photos, out)
    assert kept > 0
    assert len(done) <= 6
    run(photos, tmp_path / "straight")
    for name in ("d.parquet", "d.skipped.csv", "d.faces.csv"):
        assert (out / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    assert sorted(path.name for path in out.iterdir()) == ["d.faces.csv", "d.parquet", "d.skipped.csv"]
    while group_is_alive(killed.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def counted(tasks, done):
    for task in tasks:
        done.append(1)
        yield task


def group_is_alive(group: int) -> bool:
    """Whether any process of a group is left, but for those that only wait to be noticed."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, process_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state != "Z":
            return True
    return False


def stop_after(count: int):
    """Raise at the end of so many photos."""
    seen: list[int] = []

    def advance(photos: int) -> None:
        seen.append(photos)
        if sum(seen) >= count:
            raise KeyboardInterrupt

    return advance


def test_an_unfinished_pack_refuses_other_settings(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(photos, tmp_path / "out", advance=stop_after(7))
    with pytest.raises(
        UsageError, match=r"unfinished work that was started with size 144 \(now 160\); call it as before"
    ):
        run(photos, tmp_path / "out", recipe=Recipe(size=160))
    write_photo(photos / "12.jpg", 12)
    with pytest.raises(UsageError, match=r"started with photos '12, fingerprint \w+' \(now '13, fingerprint \w+'\)"):
        run(photos, tmp_path / "out")
    (photos / "12.jpg").unlink()
    os.utime(photos / "03.pts", (1, 1))
    with pytest.raises(UsageError, match="started with photos"):
        run(photos, tmp_path / "out")


def test_what_comes_after_cutting_may_change(photos: Path, tmp_path: Path) -> None:
    """Too few photos for a split cost no second cutting."""
    selection = Selection(split="file", shares=Shares(0.04, 0.03))
    for name in ("01", "02", "03", "04", "05", "06", "07", "08", "09"):
        (photos / f"{name}.jpg").unlink()
    with pytest.raises(UsageError, match="expected faces enough for 3 splits, got 1 groups of 1 faces"):
        run(photos, tmp_path / "out", selection)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "cut_in_order", None)
        assert sum(run(photos, tmp_path / "out").faces.values()) == 1


def test_a_full_disk_keeps_what_was_done(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dicface.preparation.parts.pq.write_table", full)
        with pytest.raises(OutputError, match=r"part-000000\.parquet': No space left on device"):
            run(photos, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr("dicface.data.pack_writing.PackWriter.flush", full)
        with pytest.raises(OutputError, match=r"d\.parquet': No space left on device"):
            run(photos, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["d.parquet.parts"]
    assert sum(run(photos, tmp_path / "out").faces.values()) == 10


def test_bad_photos_and_annotations_fail_alone(photos: Path, tmp_path: Path) -> None:
    (photos / "01.jpg").write_bytes(b"no photo")
    (photos / "02.pts").write_text("version: 1\nn_points: 2\n{\n1 1\n2 2\n}\n")
    (photos / "03.pts").unlink()
    vanishing = photos / "09.jpg"

    def advance(count: int) -> None:
        vanishing.unlink(missing_ok=True)

    written = run(photos, tmp_path / "out", advance=advance)
    assert [(entry.photo, entry.reason, entry.detail) for entry in written.failures] == [
        ("01.jpg", "unreadable photo", NO_PHOTO),
        ("02.jpg", "unusable annotation", "expected 68 points in '02.pts', got 2"),
        ("09.jpg", "unreadable photo", "expected an image file, found nothing of that name"),
    ]
    assert written.reasons["not annotated"] == 1
    assert sum(written.faces.values()) == 6


def test_no_face_at_all(photos: Path, tmp_path: Path) -> None:
    (photos / "03.jpg").write_bytes(b"no photo")
    written = run(photos, tmp_path / "out", recipe=Recipe(min_crop=400))
    assert written.faces == {}
    assert [entry.photo for entry in written.failures] == ["03.jpg"]
    assert {row["reason"] for row in rows(tmp_path / "out" / "d.skipped.csv")} == {"too small", "unreadable photo"}
    assert not (tmp_path / "out" / "d.parquet").exists()


def test_a_call_that_reads_nothing_replaces_nothing(photos: Path, tmp_path: Path) -> None:
    """A mistyped folder with `overwrite` costs no pack."""
    out, results = tmp_path / "out", into(tmp_path / "out", overwrite=True)
    run(photos, out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    for path in photos.glob("0*.jpg"):
        path.write_bytes(b"no photo")
    unreadable = list_photos(sorted(photos.glob("0*.jpg")), results)
    written = prepare(unreadable, results, Preparation(landmarks="pts"), part_photos=3)
    assert (written.faces, written.reasons, written.lists) == ({}, {"unreadable photo": 10}, False)
    assert [entry.photo for entry in written.failures] == [f"{number:02d}.jpg" for number in range(10)]
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    # One photo that is read without a face to keep is enough for the lists.
    settings = Preparation(Recipe(min_crop=400), landmarks="pts")
    written = prepare(list_photos([photos], results), results, settings, part_photos=3)
    assert written.lists
    assert {row["reason"] for row in rows(out / "d.skipped.csv")} == {"too small", "unreadable photo"}
    assert sorted(path.name for path in out.iterdir()) == ["d.faces.csv", "d.skipped.csv"]


def test_photos_without_any_annotation_are_a_wrong_call(photos: Path, tmp_path: Path) -> None:
    entry = {"landmark": [[1, 2]] * 68}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"other.jpg": entry}))
    with pytest.raises(
        UsageError, match=r"to annotate the photos, it fits none of 12; for '00\.jpg': no photo of that"
    ):
        run(photos, tmp_path / "out", landmarks=str(tmp_path / "a.pkl"))
    assert not (tmp_path / "out").exists()


def test_results_are_refused_before_any_work(photos: Path, tmp_path: Path) -> None:
    for name in ("d.parquet", "d.skipped.csv", "d.faces.csv"):
        out = tmp_path / name.replace(".", "-")
        out.mkdir()
        (out / name).touch()
        with pytest.raises(UsageError, match=rf"{name}' exists; add `overwrite` to replace it"):
            run(photos, out)
    with pytest.raises(UsageError, match=r"expected an output ending in \.parquet, got 'd\.csv'"):
        Results(tmp_path / "d.csv", tmp_path / "s.csv").check()
    with pytest.raises(UsageError, match="expected a file of its own for each result"):
        Results(tmp_path / "d.parquet", tmp_path / "s.csv", faces=tmp_path / "s.csv").check()
    with pytest.raises(UsageError, match="expected photos, got none"):
        prepare([], into(tmp_path), Preparation())


def test_names_tell_photos_apart(tmp_path: Path) -> None:
    for name in ("x/1.jpg", "x/below/1.jpg", "y/1.jpg"):
        write_photo(tmp_path / name, 0)
    results = into(tmp_path / "x")
    assert [photo.name for photo in list_photos([tmp_path / "x", tmp_path / "x"], results)] == ["1.jpg", "below/1.jpg"]
    with pytest.raises(UsageError, match=r"differ in their names below the given folders, got '.*x/1\.jpg' and '.*y/1"):
        list_photos([tmp_path / "x", tmp_path / "y"], results)
    assert [photo.name for photo in list_photos([tmp_path], results)] == ["x/1.jpg", "x/below/1.jpg", "y/1.jpg"]


def test_results_among_the_photos_are_no_photos(photos: Path) -> None:
    results = Results(photos / "d.parquet", photos / "d.csv", sheet=photos / "sheet.png")
    Image.new("RGB", (9, 9)).save(photos / "sheet.png")
    assert len(list_photos([photos], results)) == 12


def test_a_photo_may_be_named_alone(photos: Path, tmp_path: Path) -> None:
    assert [photo.name for photo in list_photos([photos / "00.jpg"], into(tmp_path / "out"))] == ["00.jpg"]


def test_a_photo_that_was_named_is_never_a_result(photos: Path) -> None:
    photo = photos / "00.jpg"
    results = Results(photos / "d.parquet", photos / "d.csv", sheet=photo, overwrite=True)
    with pytest.raises(UsageError, match=r"expected results other than the photos, got '.*00\.jpg' as both"):
        list_photos([photo], results)


@pytest.mark.slow
def test_a_split_never_divides_near_duplicates(tmp_path: Path) -> None:
    """Forty pictures, each three times, in files of their own."""
    folder = tmp_path / "in"
    for number in range(40):
        for copy, quality in enumerate((95, 60, 35)):
            write_photo(folder / f"{copy}-{number:02d}.jpg", number, quality)
    selection = Selection(keep_duplicates=True, split="file", shares=Shares(0.2, 0.1), seed=5)
    written = run(folder, tmp_path / "out", selection)
    assert [path.name for path in written.faces] == ["d-train.parquet", "d-val.parquet", "d-test.parquet"]
    assert list(written.faces.values()) == [84, 24, 12]
    packs = {path: read_pack(path) for path in written.faces}
    numbers = [{key.split("-")[1][:2] for key in pack.keys} for pack in packs.values()]
    assert sum(len(side) for side in numbers) == 40
    assert not numbers[0] & numbers[1]
    hashes = [np.stack([face_hashes(face) for face in pack.nominal()[0]]) for pack in packs.values()]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert differing_bits(hashes[one], hashes[other]).min() > SAME_BITS
    run(folder, tmp_path / "again", selection)
    for path in written.faces:
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_identities_stay_in_one_split(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    identities = {f"{number:02d}.jpg": number // 4 for number in range(40)}
    for name, identity in identities.items():
        write_photo(folder / name, int(name[:2]) + 100 * identity)
    (tmp_path / "identities.txt").write_text("".join(f"{name} {identity}\n" for name, identity in identities.items()))
    selection = Selection(identities=tmp_path / "identities.txt", split="identity", shares=Shares(0.3, 0))
    written = run(folder, tmp_path / "out", selection)
    assert [path.name for path in written.faces] == ["d-train.parquet", "d-val.parquet"]
    train, val = (read_pack(path) for path in written.faces)
    assert len(val) == 12
    assert not set(train.identities.tolist()) & set(val.identities.tolist())
    assert all(
        identities[key.split("/")[1][:6]] == identity for key, identity in zip(val.keys, val.identities, strict=True)
    )
    for number in (-1, 2**31):
        (tmp_path / "identities.txt").write_text(f"00.jpg 1\n01.jpg {number}\n")
        with pytest.raises(InputError, match=rf"identities from 0 to 2147483647 in .*, got {number} for '01\.jpg'"):
            run(folder, tmp_path / "refused", selection)
    assert not (tmp_path / "refused").exists()
    with pytest.raises(UsageError, match="a split by identity needs `identities`, a list"):
        Selection(split="identity")


def test_a_given_partition_is_kept_but_for_leaks(photos: Path, tmp_path: Path) -> None:
    splits = {f"{number:02d}.jpg": 0 for number in range(9)} | {"08.jpg": 1, "10.jpg": 2, "11.png": 0}
    (tmp_path / "splits.txt").write_text("".join(f"{name} {side}\n" for name, side in splits.items()))
    selection = Selection(split=str(tmp_path / "splits.txt"))
    written = run(photos, tmp_path / "out", selection)
    assert list(written.faces.values()) == [7, 1, 1]
    reasons = {row["photo"]: row["reason"] for row in rows(tmp_path / "out" / "d.skipped.csv")}
    # The test keeps its picture, the training loses those like it.
    assert reasons == dict.fromkeys(("00.jpg", "11.png"), "nearly a duplicate") | {
        "09.jpg": "not in the partition list"
    }
    kept = Selection(split=str(tmp_path / "splits.txt"), keep_duplicates=True)
    run(photos, tmp_path / "kept", kept)
    reasons = {row["photo"]: row["detail"] for row in rows(tmp_path / "kept" / "d.skipped.csv")}
    assert reasons["00.jpg"] == "belongs with photos/10.jpg#1, which is in test"
    (tmp_path / "splits.txt").write_text("00.jpg 3\n")
    with pytest.raises(InputError, match=r"expected 0 \(training\), 1 \(validation\) and 2 \(test\) in .*, got \[3\]"):
        run(photos, tmp_path / "third", selection)


def test_a_split_leaves_no_old_pack_beside_it(photos: Path, tmp_path: Path) -> None:
    splits = {f"{number:02d}.jpg": number % 3 for number in range(9)}
    (tmp_path / "splits.txt").write_text("".join(f"{name} {side}\n" for name, side in splits.items()))
    selection = Selection(split=str(tmp_path / "splits.txt"))
    assert len(run(photos, tmp_path / "out", selection).faces) == 3
    (tmp_path / "splits.txt").write_text("".join(f"{name} {min(side, 1)}\n" for name, side in splits.items()))
    results = into(tmp_path / "out", selection, overwrite=True)
    prepare(list_photos([photos], results), results, Preparation(Recipe(), selection, "pts"))
    assert not (tmp_path / "out" / "d-test.parquet").exists()


@pytest.mark.slow
def test_a_killed_process_is_said(photos: Path, tmp_path: Path) -> None:
    def kill_a_child(count: int) -> None:
        if count:
            for child in multiprocessing.active_children():
                child.kill()

    for number in range(20, 60):
        write_photo(photos / f"{number}.jpg", number)
    with pytest.raises(DicfaceError, match="a process was killed, perhaps out of memory; call it again to continue"):
        run(photos, tmp_path / "out", jobs=2, advance=kill_a_child)
    assert sum(run(photos, tmp_path / "out").faces.values()) == 50


def test_the_contact_sheet_shows_what_was_kept(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results(tmp_path / "d.parquet", tmp_path / "d.csv", sheet=tmp_path / "sheet.png")
    prepare(list_photos([photos], results), results, Preparation(landmarks="pts"))
    pack = read_pack(tmp_path / "d.parquet")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size == (10 * 144, 144 + 14)
        sheet = np.asarray(image)
    dots = np.rint(pack.landmarks[4]).astype(int)
    np.testing.assert_array_equal(sheet[dots[:, 1], 4 * 144 + dots[:, 0]], np.tile((64, 255, 96), (68, 1)))
    monkeypatch.setattr("dicface.preparation.results.SHEET_FACES", 3)
    few = Results(tmp_path / "e.parquet", tmp_path / "e.csv", sheet=tmp_path / "few.png")
    prepare(list_photos([photos], few), few, Preparation(landmarks="pts"))
    with Image.open(tmp_path / "few.png") as image:
        assert image.size == (3 * 144, 144 + 14)
