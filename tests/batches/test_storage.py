"""Photos at addresses: memory, files, an S3 server of moto's, and one of Google's storage."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dicface.batches.report_parquet import ParquetReport
from dicface.batches.storage import Store, as_place, is_address, without_credentials
from dicface.batches.stored import StoreWork
from dicface.batches.stored_photos import stored_photos
from dicface.cli.addresses import places
from dicface.errors import InputError, OutputError, UsageError
from dicface.images.inputs import Shard
from dicface.runtime.parallel import in_threads
from tests.support.command import dicface
from tests.support.stored import CopyBatch

pytest.importorskip("pyarrow")
GS_SERVER = """
import http.server
http.server.HTTPServer = http.server.ThreadingHTTPServer
from gcp_storage_emulator.server import create_server
server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
server.start()
print(server._api._httpd.server_port, flush=True)
"""
QUICK = ("--box", "43,21,64,43", "--only-boxes", "--scale", "1", "--backend", "onnxruntime")


@pytest.fixture(scope="module")
def s3() -> Generator[str]:
    """A bucket of a server on this machine."""
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        from pyarrow import fs

        fs.FileSystem.from_uri("s3://bucket?allow_bucket_creation=true")[0].create_dir("bucket")
        yield "s3://bucket"
    server.stop()


@pytest.fixture(scope="module")
def gs() -> Generator[Callable[[str], str]]:
    """Addresses of names in a bucket of a server of Google's storage on this machine.

    It is a process of its own, since pyarrow keeps the interpreter to itself while it reads parts of a file.
    """
    pytest.importorskip("gcp_storage_emulator")
    with subprocess.Popen(
        [sys.executable, "-c", GS_SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdout is not None
        settings = f"scheme=http&endpoint_override=127.0.0.1:{int(server.stdout.readline())}&retry_limit_seconds=20"
        yield lambda name: f"gs://anonymous@bucket/{name}?{settings}"
        server.terminate()


@pytest.fixture(params=["memory", "file", "s3", "path"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place of each kind."""
    name = uuid.uuid4().hex
    if request.param == "s3":
        return f"{request.getfixturevalue('s3')}/{name}"
    return {"memory": f"memory://{name}", "file": f"file://{tmp_path}/{name}", "path": f"{tmp_path}/{name}"}[
        request.param
    ]


def fill(place: str, names: list[str], content: bytes = b"photo") -> None:
    for name in names:
        Store(place).write(name, content)


def test_photos_are_listed_with_their_results(root: str) -> None:
    names = ["b/2.gif", "a.jpg", "b/1.PNG", ".hidden.png", "@eaDir/t.jpg", "notes.txt", "b/c/3.webp"]
    fill(f"{root}/in", names)
    fill(f"{root}/out", ["a.jpg", "b/2.png"])
    photos = list(stored_photos([f"{root}/in"], f"{root}/out"))
    assert [(photo.name, photo.output, photo.exists) for photo in photos] == [
        ("a.jpg", "a.jpg", True),
        ("b/1.PNG", "b/1.PNG", False),
        ("b/2.gif", "b/2.png", True),
        ("b/c/3.webp", "b/c/3.webp", False),
    ]
    assert photos[1].shown == f"{root}/in/b/1.PNG"
    parts = [list(stored_photos([f"{root}/in"], f"{root}/out", shard=Shard(index, 2))) for index in range(2)]
    assert sorted(parts[0] + parts[1], key=lambda photo: photo.name) == sorted(photos, key=lambda photo: photo.name)
    (one,) = stored_photos([f"{root}/in/b/2.gif"], f"{root}/new")
    assert (one.name, one.output, one.exists) == ("", "2.png", False)
    assert Store(one.root).read(one.name) == b"photo"


def test_results_and_repeated_names_are_seen(root: str) -> None:
    fill(f"{root}/in", ["a.gif", "a.png", "out/a.png"])
    photos = list(stored_photos([f"{root}/in"], f"{root}/in/out"))
    assert [(photo.name, photo.problem[:13]) for photo in photos] == [("a.gif", ""), ("a.png", "another input")]
    (nothing,) = stored_photos([f"{root}/absent"], f"{root}/out")
    assert nothing.problem == "expected a folder with images, found none in it"
    with pytest.raises(InputError, match="found nothing of that name"):
        Store(root).read("absent.png")
    assert not Store(root).has("absent.png")


def test_a_photo_is_a_row_whatever_happens_to_it(root: str, tmp_path: Path) -> None:
    fill(f"{root}/in", ["a.png", "c.png", "gone.png", "there.png"])
    fill(f"{root}/in", ["b.png"], b"broken")
    fill(f"{root}/out", ["there.png"], b"precious")
    work = StoreWork(CopyBatch(tmp_path), f"{root}/out")
    photos = [
        replace(photo, name="none.png") if photo.name == "gone.png" else photo
        for photo in stored_photos([f"{root}/in"], f"{root}/out")
    ]
    rows = [row for _, row in in_threads(photos, work, 3)]
    assert [row["outcome"] for row in rows] == ["done", "failed", "done", "failed", "failed"]
    assert rows[0] == {"outcome": "done", "faces": [], "input": f"{root}/in/a.png", "output": f"{root}/out/a.png"}
    assert rows[1]["error"] == "the image is damaged or cut off"
    assert "found nothing" in rows[3]["error"]
    assert rows[4]["error"].endswith("exists; add `overwrite` to replace it")
    assert Store(f"{root}/out").read("there.png") == b"precious"
    skipping = replace(work, skip="any")
    again = [row for _, row in in_threads(stored_photos([f"{root}/in"], f"{root}/out"), skipping, 3)]
    assert [row["outcome"] for row in again] == ["skipped", "failed", "skipped", "done", "skipped"]
    # What appeared since the listing counts as done; what states no settings does not.
    late = replace(photos[0], exists=False)
    assert skipping(late)["outcome"] == "skipped"
    assert "made with other settings" in replace(work, skip="settings")(late)["error"]
    assert replace(work, skip="settings", overwrite=True)(late)["outcome"] == "done"


def test_no_result_replaces_an_input(root: str, tmp_path: Path) -> None:
    fill(f"{root}/in", ["a.png", "b.gif", "b.png", "below/c.png"])
    work = StoreWork(CopyBatch(tmp_path), f"{root}/in", overwrite=True)
    places = [f"{root}/in"] if is_address(root) else [f"{root}/in", f"file://{root}/in"]
    for place in places:  # whatever its spelling
        photos = list(stored_photos([place], f"{root}/in"))
        assert [photo.problem[:30] for photo in photos[:1]] == ["the result would replace an in"]
        assert all(row["outcome"] == "failed" for _, row in in_threads(photos, work, 2))
    (one,) = stored_photos([f"{root}/in/a.png"], f"{root}/in")
    assert one.problem == "the result would replace an input; choose another output"
    assert Store(f"{root}/in").read("a.png") == b"photo"


def test_no_result_replaces_an_input_of_another_place(tmp_path: Path) -> None:
    """Neither one of another input of the call, nor one by a link or by `..`."""
    fill(f"{tmp_path}/a", ["1.png", "b/2.png", "b/b/2.png"])
    fill(f"{tmp_path}/b", ["1.png"])
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for inputs, out, refused in (
        (["a", "b/1.png"], "b", "1.png"),
        (["a/b"], "a", "b/2.png"),
        (["a"], "link", "1.png"),
        (["a"], "b/../a", "1.png"),
    ):
        photos = stored_photos([f"file://{tmp_path}/{each}" for each in inputs], f"{tmp_path}/{out}")
        assert refused in [photo.output for photo in photos if "replace an input" in photo.problem], inputs
    # Results of an earlier call below an input are no inputs.
    fill(f"{tmp_path}/a/deep/out", ["1.png", "b/2.png"])
    photos = list(stored_photos([f"{tmp_path}/a"], f"file://{tmp_path}/a/deep/out"))
    assert [(photo.name, photo.exists, photo.problem) for photo in photos] == [
        ("1.png", True, ""),
        ("b/2.png", True, ""),
        ("b/b/2.png", False, ""),
    ]


@pytest.mark.parametrize("scheme", ["file://", "local://", ""])
def test_no_result_replaces_what_an_input_links_to(tmp_path: Path, scheme: str) -> None:
    """Nor an input by a link in the output folder."""
    fill(f"{tmp_path}/in", ["a.png", "below/c.png", "x.png", "y.png"])
    fill(f"{tmp_path}/out", ["x.png", "y.png"], b"precious")
    (tmp_path / "in/link.png").symlink_to("../out/x.png")
    (tmp_path / "out/below").symlink_to("../in/below")
    (tmp_path / "out/a.png").symlink_to("../in/a.png")
    (tmp_path / "in/circle.png").symlink_to("circle.png")
    photos = list(stored_photos([f"{scheme}{tmp_path}/in"], f"{scheme}{tmp_path}/out"))
    told = "the result would replace an input; choose another output"
    assert [(photo.name, photo.problem) for photo in photos] == [
        ("a.png", told),
        ("link.png", ""),
        ("x.png", told),
        ("y.png", ""),
        ("below/c.png", told),
    ]


@pytest.mark.parametrize("name", ["a b", "a#b", "ä", "100%", "a%2x", "a+b", "[a]*b", "a?b"])
def test_an_address_holds_what_a_uri_does_not(root: str, name: str) -> None:
    """pyarrow refuses some of it, and takes what follows a `#` for no part of the path."""
    fill(f"{root}/{name}/in", ["1.png"])
    assert Store(root).folder(name)[0] == ["in"]
    assert Store(f"{root}/{name}/in").shown("1.png") == f"{root}/{name}/in/1.png"
    (photo,) = stored_photos([f"{root}/{name}/in"], f"{root}/{name}/in")
    assert photo.problem == "the result would replace an input; choose another output"


@pytest.mark.parametrize("name", ["a b", "a#b", "ä", "a?b", "a[1]"])
def test_a_file_is_one_by_its_path_and_its_address(tmp_path: Path, name: str) -> None:
    fill(f"{tmp_path}/{name}", ["1.png"])
    (photo,) = stored_photos([f"file://{tmp_path}/{name}"], f"{tmp_path}/{name}")
    assert photo.problem == "the result would replace an input; choose another output"
    assert photo.shown == f"file://{tmp_path}/{name}/1.png"


@pytest.mark.parametrize("scheme", ["file://", ""])
def test_links_to_folders_are_not_followed(tmp_path: Path, scheme: str) -> None:
    fill(f"{tmp_path}/in", ["a.png", "below/b.png"])
    (tmp_path / "in/below/back").symlink_to("..")
    (tmp_path / "link").symlink_to("in")
    for folder in ("in", "link"):
        photos = stored_photos([f"{scheme}{tmp_path}/{folder}"], f"{tmp_path}/out")
        assert [photo.name for photo in photos] == ["a.png", "below/b.png"]


@pytest.mark.parametrize("scheme", ["file://", "local://", "", "memory:/"])
def test_a_name_that_is_no_text_fails_alone(tmp_path: Path, scheme: str) -> None:
    import fsspec

    root, odd = f"{tmp_path}/{uuid.uuid4().hex}", os.fsdecode(b"\xff.png")
    fill(f"{scheme}{root}/in", ["a.png", "z.png"])
    with fsspec.open(f"{scheme or 'file://'}{root}/in/{odd}", "wb", auto_mkdir=True) as file:
        file.write(b"photo")
    with fsspec.open(f"{scheme or 'file://'}{root}/in/{odd[:-4]}/b.png", "wb", auto_mkdir=True) as file:
        file.write(b"photo")
    with fsspec.open(f"{scheme or 'file://'}{root}/out/{odd}", "wb", auto_mkdir=True) as file:
        file.write(b"of another program")
    photos = list(stored_photos([f"{scheme}{root}/in"], f"{scheme}{root}/out"))
    assert [photo.name for photo in photos] == ["a.png", "z.png", odd, f"{odd[:-4]}/b.png"]
    with ParquetReport(tmp_path / "report.parquet") as report:
        for photo in photos:
            row = StoreWork(CopyBatch(tmp_path), f"{scheme}{root}/out")(photo)
            report.append(row)
            assert (row["outcome"] == "failed") == (photo in photos[2:])
            assert row.get("error", "expected a name in UTF-8").startswith("expected a name in UTF-8")
    from pyarrow import parquet

    shown = parquet.read_table(tmp_path / "report.parquet").column("input").to_pylist()
    assert shown[2].endswith("/in/\\udcff.png")


def test_storage_that_cannot_be_listed_is_a_problem_of_its_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(f"{tmp_path}/in", ["a.png", "b.png"])
    (tmp_path / "out").mkdir()
    listed = Store.folder

    def folder(store: Store, name: str) -> Any:
        if store.place.endswith("out"):
            raise RuntimeError("no route")
        return listed(store, name)

    monkeypatch.setattr(Store, "folder", folder)
    photos = list(stored_photos([f"{tmp_path}/in"], f"{tmp_path}/out"))
    assert [photo.name for photo in photos] == ["a.png", "b.png"]
    assert all("/out' cannot be listed: no route" in photo.problem for photo in photos)

    def has(store: Store, name: str) -> bool:
        raise OSError("timed out")

    monkeypatch.setattr(Store, "has", has)
    (photo,) = stored_photos(["memory://in"], "memory://out")
    assert photo.problem == "the input cannot be reached: timed out"


def test_a_file_appears_once_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFile

    place = f"memory://{uuid.uuid4().hex}"
    fill(place, ["a.png"], b"precious")
    fill(place, ["a.png"], b"newer")
    assert Store(place).read("a.png") == b"newer"

    def full(file: MemoryFile, content: bytes) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(MemoryFile, "write", full)
    with pytest.raises(OutputError, match="no space left"):
        fill(place, ["a.png", "b.png"], b"other")
    assert Store(place).read("a.png") == b"newer"
    assert Store(place).folder("") == ([], ["a.png"])


def test_a_result_without_its_map_is_not_finished(root: str, tmp_path: Path) -> None:
    fill(f"{root}/in", ["a.png", "b.png"])
    fill(f"{root}/out", ["a.png", "b.png", "b.uncertainty.png"])
    work = StoreWork(CopyBatch(tmp_path, maps=True), f"{root}/out", skip="any", overwrite=True)
    photos = list(stored_photos([f"{root}/in"], f"{root}/out"))
    assert [work(photo)["outcome"] for photo in photos] == ["done", "skipped"]
    assert Store(f"{root}/out").read("a.uncertainty.png") == b"map"
    assert work(photos[0])["outcome"] == "skipped"


def test_a_map_without_its_photo_is_not_finished(root: str, tmp_path: Path) -> None:
    """As a crash leaves it, since the map is written first."""
    fill(f"{root}/in", ["a.png"])
    fill(f"{root}/out", ["a.uncertainty.png"], b"of an earlier call")
    (photo,) = stored_photos([f"{root}/in"], f"{root}/out", maps=True)
    assert (photo.exists, photo.map_exists) == (False, True)
    work = StoreWork(CopyBatch(tmp_path, maps=True), f"{root}/out")
    for look_again in (True, False):
        row = replace(work, look_again=look_again)(photo)
        assert row["error"].endswith("a.uncertainty.png' exists; add `overwrite` to replace it")
    row = replace(work, skip="settings")(photo)
    assert "exists without its photo and was not made with these settings" in row["error"]
    assert Store(f"{root}/out").read("a.uncertainty.png") == b"of an earlier call"
    assert replace(work, skip="any")(photo)["outcome"] == "done"
    assert Store(f"{root}/out").read("a.uncertainty.png") == b"map"


def test_no_map_replaces_an_input_or_another_result(root: str) -> None:
    fill(f"{root}/in", ["a.gif", "a.uncertainty.png", "b.jpg", "b.png", "b.uncertainty.gif"])
    photos = [list(stored_photos([f"{root}/in"], f"{root}/{out}", maps=True)) for out in ("in", "out")]
    assert photos[0][0].problem == "the result would replace an input; choose another output"
    told = "another input of this call is written to '{}.uncertainty.png'; rename one"
    told_of = ["", told.format("a"), "", told.format("b"), told.format("b")]
    assert [photo.problem for photo in photos[1]] == told_of
    parts = [list(stored_photos([f"{root}/in"], f"{root}/out", maps=True, shard=Shard(n, 2))) for n in range(2)]
    assert sorted(photo.problem for part in parts for photo in part) == sorted(told_of)
    assert not any(photo.problem for photo in stored_photos([f"{root}/in"], f"{root}/out"))


def test_what_another_call_did_meanwhile_is_skipped(root: str, tmp_path: Path) -> None:
    class Slow(CopyBatch):
        def run_one(self, content: bytes, path: str) -> Any:
            fill(f"{root}/out", ["a.png"], b"of the other call")
            return super().run_one(content, path)

    fill(f"{root}/in", ["a.png"])
    (photo,) = stored_photos([f"{root}/in"], f"{root}/out")
    work = StoreWork(Slow(tmp_path), f"{root}/out")
    assert replace(work, skip="any")(photo)["outcome"] == "skipped"
    assert Store(f"{root}/out").read("a.png") == b"of the other call"
    assert work(photo)["error"].endswith("exists; add `overwrite` to replace it")


def test_folders_of_gs_need_no_marker(gs: Callable[[str], str], tmp_path: Path) -> None:
    """Most programs write none, and pyarrow shows no folder without one."""
    names = ["a.png", "b/1.png", "b/c/2.png", "d e/[f]/3.png"]
    fill(gs("in"), names)
    assert Store(gs("in")).folder("") == (["b", "d e"], ["a.png"])
    assert Store(gs("in")).folder("b") == (["c"], ["1.png"])
    assert Store(gs("i")).folder("") == ([], [])
    fill(gs("out"), ["b/c/2.png"])
    photos = list(stored_photos([gs("in")], gs("out")))
    assert [(photo.name, photo.exists) for photo in photos] == [(name, name == "b/c/2.png") for name in names]
    work = StoreWork(CopyBatch(tmp_path), gs("out"))
    assert [row["outcome"] for _, row in in_threads(photos, work, 2)] == ["done", "done", "failed", "done"]
    assert Store(gs("out")).read("d e/[f]/3.png") == b"photo"
    again = list(stored_photos([gs("in")], gs("in")))
    assert all(photo.problem.startswith("the result would replace an input") for photo in again)


@pytest.mark.slow
def test_the_command_takes_addresses_of_gs(gs: Callable[[str], str], photo: Path, tmp_path: Path) -> None:
    fill(gs("photos"), ["below/b.png"], photo.read_bytes())
    call = ("restore", gs("photos"), "-o", gs("restored"), *QUICK, "--report", tmp_path / "report.jsonl")
    assert dicface(*call).returncode == 0
    again = dicface(*call, "--skip-existing")
    assert (again.returncode, again.stdout) == (0, "skipped 1 of 1, whose results are there\n")
    rows = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert rows[1] == {
        "outcome": "skipped",
        "input": "gs://bucket/photos/below/b.png",
        "output": "gs://bucket/restored/below/b.png",
    }


def test_rows_of_what_was_running_are_not_lost(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(9)]
    fill(f"{tmp_path}/in", names)
    work, late = StoreWork(CopyBatch(tmp_path, pause_s=0.05), f"{tmp_path}/out"), list[dict[str, Any]]()
    over = in_threads(
        stored_photos([f"{tmp_path}/in"], f"{tmp_path}/out"), work, 2, late=lambda _photo, row: late.append(row)
    )
    rows = [next(over)[1]]
    over.close()
    assert late
    assert sorted(Store(f"{tmp_path}/out").folder("")[1]) == [Path(row["output"]).name for row in [*rows, *late]]


def test_what_appeared_since_the_listing_is_not_replaced(root: str, tmp_path: Path) -> None:
    fill(f"{root}/in", ["a.png"])
    (photo,) = stored_photos([f"{root}/in"], f"{root}/out")
    fill(f"{root}/out", ["a.png"], b"precious")
    row = StoreWork(CopyBatch(tmp_path), f"{root}/out")(photo)
    assert row["error"].endswith("exists; add `overwrite` to replace it")
    assert Store(f"{root}/out").read("a.png") == b"precious"


def test_errors_of_other_libraries_are_rows(tmp_path: Path) -> None:
    class Broken(CopyBatch):
        def run_one(self, content: bytes, path: str) -> Any:
            raise RuntimeError("the driver has lost its mind")

    fill(f"{tmp_path}/in", ["a.png"])
    (photo,) = stored_photos([f"{tmp_path}/in"], f"{tmp_path}/out")
    row = StoreWork(Broken(tmp_path), f"{tmp_path}/out")(photo)
    assert (row["outcome"], row["error"]) == ("failed", "RuntimeError: the driver has lost its mind")


def test_credentials_of_an_address_are_not_shown() -> None:
    assert Store("s3://KEY:SECRET@bucket/in?region=x").shown("a.png") == "s3://bucket/in/a.png"
    with pytest.raises(UsageError, match="known kind, got 'nonsense://x'") as raised:
        Store("nonsense://KEY:SECRET@x").has("")
    assert "SECRET" not in str(raised.value)


def test_credentials_in_errors_of_a_driver_are_not_shown(tmp_path: Path) -> None:
    class Broken(CopyBatch):
        def run_one(self, content: bytes, path: str) -> Any:
            raise OSError("cannot reach sftp://user:SECRET@host/in (of a@b)")

    fill(f"{tmp_path}/in", ["a.png"])
    (photo,) = stored_photos([f"{tmp_path}/in"], f"{tmp_path}/out")
    row = StoreWork(Broken(tmp_path), f"{tmp_path}/out")(photo)
    assert row["error"] == "cannot reach sftp://host/in (of a@b)"
    signed = "403, url='https://h/a.png?X-Amz-Signature=0a1b&region=x&sig=c%2B'"
    assert without_credentials(signed) == "403, url='https://h/a.png?X-Amz-Signature=...&region=x&sig=...'"


def test_a_traceback_in_the_log_has_no_credentials(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(CopyBatch):
        def run_one(self, content: bytes, path: str) -> Any:
            raise RuntimeError("cannot reach sftp://user:SECRET@host/in")

    fill(f"{tmp_path}/in", ["a.png"])
    (photo,) = stored_photos([f"{tmp_path}/in"], f"{tmp_path}/out")
    StoreWork(Broken(tmp_path), f"{tmp_path}/out")(photo)
    assert "RuntimeError: cannot reach sftp://host/in" in caplog.text
    assert "SECRET" not in caplog.text


def test_the_error_is_that_of_the_move(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    def refused(system: MemoryFileSystem, *paths: str, **settings: Any) -> None:
        raise OSError("not allowed to move")

    place = f"memory://{uuid.uuid4().hex}"
    monkeypatch.setattr(MemoryFileSystem, "mv", refused)
    with pytest.raises(OutputError, match="not allowed to move"):
        fill(place, ["a.png"])
    assert Store(place).folder("") == ([], [])


def test_a_report_folder_is_made_before_the_first_photo(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose another folder"), ParquetReport(tmp_path / "file/r.parquet"):
        pass


def test_a_place_is_tried_before_the_first_photo(root: str, photo: Path, tmp_path: Path) -> None:
    store = Store(f"{root}/out")
    store.check_writable()
    assert store.folder("") == ([], []), "nothing is left there"
    (tmp_path / "file").write_text("in the way")
    result = dicface("restore", f"file://{photo}", "-o", f"file://{tmp_path}/file/below", *QUICK)
    assert result.returncode == 1
    assert f"cannot write below 'file://{tmp_path}/file/below'" in result.stderr


def test_the_error_is_of_the_driver_that_knows_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec
    from pyarrow import fs

    def unreachable(place: str) -> Any:
        raise OSError("Bucket 'photos' not found")

    def missing(place: str) -> Any:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fs, "FileSystem", SimpleNamespace(from_uri=unreachable))
    monkeypatch.setattr(fsspec, "url_to_fs", missing)
    with pytest.raises(UsageError, match=r"^'s3://photos/in': Bucket 'photos' not found$"):
        Store("s3://photos/in").has("")


def test_a_bucket_that_is_missing_is_told_before_the_first_photo(s3: str) -> None:
    with pytest.raises(OutputError, match="cannot write below 's3://elsewhere/out'"):
        Store(s3.replace("bucket", "elsewhere") + "/out").check_writable()


@pytest.mark.slow
@pytest.mark.parametrize("root", ["memory", "file", "s3"], indirect=True)
def test_the_command_takes_addresses(root: str, photo: Path, tmp_path: Path) -> None:
    fill(f"{root}/in", ["a.png", "below/b.png"], photo.read_bytes())
    fill(f"{root}/in", ["cut.png"], photo.read_bytes()[:900])
    report = tmp_path / "report.jsonl"
    call = ("restore", f"{root}/in", "-o", f"{root}/out", *QUICK, "--report", report, "--jobs", "2")
    result = dicface(*call)
    assert result.returncode == 1
    assert "/in/cut.png: the image is damaged or cut off" in result.stderr
    assert "/in/below/b.png: 1 of 1 faces restored -> " in result.stdout
    # The same to the byte as from and to files.
    assert dicface("restore", photo, "-o", tmp_path / "local", *QUICK).returncode == 0
    assert Store(f"{root}/out").read("below/b.png") == (tmp_path / "local" / photo.name).read_bytes()
    again = dicface(*call, "--skip-existing")
    assert (again.returncode, again.stdout) == (1, "skipped 2 of 3, whose results are there\n")
    other = dicface(*call, "--skip-existing", "--strength", "0.5")
    assert "made with other settings; add --overwrite to replace it" in other.stderr
    outcomes = [json.loads(line)["outcome"] for line in report.read_text().splitlines()]
    assert sorted(outcomes) == ["done"] * 2 + ["failed"] * 5 + ["skipped"] * 2


@pytest.fixture
def photo(tmp_path: Path, small_photo: Any) -> Path:
    from PIL import Image

    path = tmp_path / "photo.png"
    Image.fromarray(small_photo).save(path)
    return path


@pytest.mark.slow
def test_a_report_as_parquet_is_added_to(photo: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    call = (f"file://{photo}", "-o", f"file://{tmp_path}/out", *QUICK, "--report", tmp_path / "report.parquet")
    assert dicface("restore", *call).returncode == 0
    assert dicface("restore", *call).returncode == 1
    rows = parquet.read_table(tmp_path / "report.parquet").to_pylist()
    assert [row["outcome"] for row in rows] == ["done", "failed"]
    assert len(json.loads(rows[0]["faces"])) == 1
    assert json.loads(rows[0]["row"])["input"] == rows[0]["input"] == f"file://{photo}"
    assert "exists" in rows[1]["error"]


@pytest.mark.parametrize("name", ["r.jsonl", "r.parquet"])
def test_a_report_that_cannot_be_written_is_told_before_any_work(photo: Path, tmp_path: Path, name: str) -> None:
    """Even before the model is looked for."""
    (tmp_path / "file").write_text("no folder")
    call = (f"file://{photo}", "-o", f"file://{tmp_path}/out", "--model", "nothing")
    result = dicface("restore", *call, "--report", tmp_path / "file" / name)
    assert result.returncode == 1
    assert f"could not write '{tmp_path / 'file' / name}" in result.stderr
    assert not (tmp_path / "out").exists()


def test_places_in_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `Path` folds the slashes of an address; on the command line, addresses are paths."""
    for place in (
        "s3://bucket/in",
        "gs://b/x?y=1",
        "s3://b/x?endpoint_override=http://h:1&scheme=http",
        "memory://in",
        "file:///tmp/x",
    ):
        assert as_place(Path(place)) == place
    assert as_place(Path("a/b:c/d.png")) == "a/b:c/d.png"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:").mkdir()
    assert as_place(Path("s3:/")) == "s3:"
    assert not is_address(r"C:\photos")
    assert os.sep == "/" or is_address("s3://b")


def test_an_engine_gets_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ([Path("in"), Path("s3:/bucket/in")], Path("out"))
    assert places(*asked, "ray") == ([f"{tmp_path}/in", "s3://bucket/in"], f"{tmp_path}/out")
    assert places(*asked, "none") == places(*asked, "ray"), "one place is an address"
    assert places([Path("in")], Path("out"), "none") is None


def test_wrong_calls_with_addresses(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="address of a known kind, got 'nonsense://x'"):
        next(stored_photos(["nonsense://x"], "memory://out"))
    for options, text in (
        (("--preview", tmp_path / "p.png"), "with --preview"),
        (("--skip-existing", "--no-mark"), "--skip-existing=any with --no-mark"),
        (("--report", "report.json"), "expected --report to end in .jsonl or .parquet here"),
        (("--concurrency", "4,2"), "expected --concurrency LEAST,GREATEST such as 4,64"),
        (("--ray-address", "auto"), "expected --engine ray with --ray-address"),
        (("--model", "nothing"), "nothing"),
        (("s3://KEY:SECRET@b/x.parquet",), "one input with a Parquet table, got 's3://b/x.parquet'"),
    ):
        result = dicface("restore", f"file://{photo}", "-o", f"file://{tmp_path}/out", *options)
        assert result.returncode == 2, options
        assert text in " ".join(result.stderr.split())
    result = dicface("restore", f"file://{photo}", "-o", f"file://{tmp_path}/one.jpg")
    assert result.returncode == 2
    assert f"expected a folder as the output at an address or with --engine, got 'file://{tmp_path}/one.jpg'" in (
        " ".join(result.stderr.split())
    )


@pytest.mark.parametrize(
    ("place", "engine", "said"),
    [
        ("s3://bucket/inbox", "none", "addresses need the cloud extra; pip install 'dicface[cloud]'"),
        ("a.png", "ray", "the engine ray needs the extra ray; pip install 'dicface[ray]'"),
    ],
)
def test_without_pyarrow_the_extra_is_named_and_no_folder_is_blamed(
    tmp_path: Path, place: str, engine: str, said: str
) -> None:
    code = "import sys; sys.modules['pyarrow'] = None\nfrom dicface.cli import main\nmain()"
    call = ["restore", place, "-o", "out", "--engine", engine]
    result = subprocess.run(
        [sys.executable, "-c", code, *call], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (2, f"dicface: {said}\n")
