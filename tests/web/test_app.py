"""The requests of the page, answered without a browser."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image
from starlette.testclient import TestClient

from dicface.errors import TooLongError
from dicface.runtime.models import DEFAULT_SHARPNESS
from dicface.web.album import Album
from dicface.web.app import PAGE, make_app
from dicface.web.desk import Desk
from dicface.web.worker import Worker


def uploaded(client: TestClient, photo: Path, name: str = "Eileen.png") -> dict[str, Any]:
    """An uploaded photo."""
    reply = client.post("/photos", params={"name": name}, content=photo.read_bytes())
    assert reply.status_code == 201, reply.text
    return reply.json()


def test_the_page_and_its_files_come_from_here_alone(client: TestClient) -> None:
    reply = client.get("/")
    assert '<base href="/">' in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]
    for path in PAGE.iterdir():
        reply = client.get(f"/static/{path.name}")
        assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-cache"), path.name
        if path.suffix != ".jpg":
            text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
            assert "http:" not in text
            assert "https:" not in text
            assert "//" not in text.replace("// ", "")


def test_the_server_says_that_it_is_well(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    settings = client.get("/settings").json()
    assert settings["upload_mb"] == 2
    assert settings["models"][0] == {"name": "lite", "words": "Any photo"}
    assert (settings["large_faces"], settings["background"]) == (False, None)


def test_the_page_knows_which_networks_the_operator_has_given(client_with_networks: TestClient) -> None:
    settings = client_with_networks.get("/settings")
    assert settings.json()["large_faces"] is True
    assert settings.json()["background"] == {"s_per_megapixel": 30, "limit_s": 120}
    assert "onnx" not in settings.text


def test_switches_reach_the_work_and_no_path_does(
    client: TestClient, client_with_networks: TestClient, photo: Path
) -> None:
    entry = uploaded(client_with_networks, photo)
    asked = {"scale": 2, "background": True, "large_faces": True}
    done = client_with_networks.post(f"/photos/{entry['id']}/restored", json=asked).json()
    assert done["background"] is True
    assert client_with_networks.get(f"/photos/{entry['id']}/before.jpg").status_code == 200
    for name in ("enlarged-0-2.npy", "run.json"):
        assert client_with_networks.get(f"/photos/{entry['id']}/{name}").status_code == 404
    report = client_with_networks.post(f"/photos/{entry['id']}/report", json={**asked, "strengths": {"1": 1}})
    assert report.json()["model"] == f"lite at sharpness {DEFAULT_SHARPNESS:g} + twice.onnx"
    # Where the operator has given none, and anything but true or false.
    for visitor, switched in ((client, True), (client_with_networks, "/etc/passwd"), (client_with_networks, 1)):
        for name in ("large_faces", "background"):
            reply = visitor.post(f"/photos/{entry['id']}/faces", json={name: switched})
            assert reply.status_code == 400
            assert "`" not in reply.json()["error"]


def test_what_takes_too_long_with_a_sharper_background_says_so(
    client_with_networks: TestClient, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: object) -> None:
        raise TooLongError("late")

    monkeypatch.setattr("dicface.web.work.restore", late)
    entry = uploaded(client_with_networks, photo)
    for scale, background, said in ((2, True, True), (1, True, False), (2, False, False)):
        asked = {"scale": scale, "background": background}
        reply = client_with_networks.post(f"/photos/{entry['id']}/restored", json=asked)
        assert reply.status_code == 503
        assert ("switch off Sharper background" in reply.json()["error"]) is said


def test_from_upload_to_download(client: TestClient, root: Path, photo: Path) -> None:
    seen = uploaded(client, photo)
    assert (seen["name"], seen["width"], seen["scale"]) == ("Eileen.png", 121, 4)
    at = f"/photos/{seen['id']}"
    asked = {"turn": 0, "model": "lite", "scale": 2, "boxes": [], "forced": []}
    assert client.get(f"{at}/preview.jpg").headers["content-type"] == "image/jpeg"
    (face,) = client.post(f"{at}/faces", json=asked).json()["faces"]
    assert face["outcome"] == "restored"
    assert client.post(f"{at}/result", json={**asked, "strengths": {"1": 1}}).status_code == 404
    done = client.post(f"{at}/restored", json=asked).json()
    assert (done["width"], done["download"]) == (242, "Eileen-restored.png")
    for name in ("plain.jpg", "face-1.png", "face-1-before.png", "face-1-steps.png"):
        assert client.get(f"{at}/{name}").status_code == 200
    reply = client.post(f"{at}/result", json={**asked, "strengths": {"1": 0.5}})
    assert (
        "filename=\"Eileen-restored.png\"; filename*=UTF-8''Eileen-restored.png"
        in (reply.headers["content-disposition"])
    )
    assert reply.headers["cache-control"] == "no-store"
    assert Image.open(io.BytesIO(reply.content)).size == (242, 242)
    report = client.post(f"{at}/report", json={**asked, "strengths": {"1": 0.5}})
    assert report.json()["faces"][0]["strength"] == 0.5
    assert str(root) not in report.text
    assert client.get(f"{at}/queue").json() == {"ahead": 0}
    assert client.delete(at).status_code == 204
    assert list(root.iterdir()) == []
    assert client.post(f"{at}/faces", json=asked).status_code == 404


@pytest.mark.slow
def test_several_results_come_in_one_zip(client: TestClient, photo: Path) -> None:
    photos: list[dict[str, Any]] = []
    for name in ("Grüße.png", "Grüße.png"):
        entry = uploaded(client, photo, name)
        asked = {"id": entry["id"], "scale": 1, "strengths": {"1": 1}}
        client.post(f"/photos/{entry['id']}/restored", json=asked)
        photos.append(asked)
    reply = client.post("/zip", json={"photos": photos})
    with zipfile.ZipFile(io.BytesIO(reply.content)) as file:
        assert file.namelist() == ["Grüße-restored.png", "Grüße-restored-2.png", "report.json"]
        report = json.loads(file.read("report.json"))
        assert [row["output"] for row in report["photos"]] == file.namelist()[:2]
        assert Image.open(io.BytesIO(file.read("Grüße-restored-2.png"))).size == (121, 121)


@pytest.mark.parametrize("content", [b"no picture", b""])
def test_a_refused_upload_is_said_in_words_and_leaves_nothing(client: TestClient, root: Path, content: bytes) -> None:
    reply = client.post("/photos", params={"name": "a.jpg"}, content=content)
    assert reply.status_code == 422
    assert reply.json()["error"].startswith("This file is ")
    assert "expected" not in reply.text
    assert list(root.iterdir()) == []


def test_an_upload_over_the_limit_is_refused(client: TestClient, root: Path) -> None:
    for size in ((2 << 20) + 1, 3 << 20):
        assert client.post("/photos", content=bytes(size)).status_code == 413
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["source.png", "name.json", "faces.npz", "run.json", "..", "%2e%2e", "face-1.png.exe", "face-x.png", "a%2fb"],
)
def test_only_the_pages_pictures_can_be_fetched(client: TestClient, photo: Path, name: str) -> None:
    entry = uploaded(client, photo)
    assert client.get(f"/photos/{entry['id']}/{name}").status_code in (404, 405)


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/etc/passwd"])
def test_no_other_file_can_be_fetched(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"[]",
        b"{",
        b'{"scale": 3}',
        b'{"scale": "x"}',
        b'{"model": "/etc/passwd"}',
        b'{"boxes": [[1, 2, 3]]}',
        b'{"boxes": [[1, 2, 3, NaN]]}',
        b'{"boxes": [[9, 9, 1, 1]]}',
        b'{"turn": 1e999}',
        b'{"forced": ["a"]}',
        b"[" * 100_000,
        b'{"a": "' + bytes(2 << 19) + b'"}',
    ],
)
def test_a_request_of_another_form_is_refused(client: TestClient, photo: Path, said: bytes) -> None:
    entry = uploaded(client, photo)
    reply = client.post(f"/photos/{entry['id']}/faces", content=said)
    assert reply.status_code == 400
    assert "`" not in reply.json()["error"]


@pytest.mark.parametrize("strengths", [None, [], {"1": 2}, {"x": 1}, {"1": "y"}])
def test_strengths_of_another_form_are_refused(client: TestClient, photo: Path, strengths: Any) -> None:
    entry = uploaded(client, photo)
    assert client.post(f"/photos/{entry['id']}/result", json={"strengths": strengths}).status_code == 400
    assert client.post("/zip", json={"photos": [{"id": entry["id"], "strengths": strengths}]}).status_code == 400
    assert client.post("/zip", json={"photos": [5]}).status_code == 400


def test_other_sites_cannot_send_requests(client: TestClient, photo: Path) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    assert client.post("/restore", content=photo.read_bytes(), headers=headers).status_code == 403
    assert client.get("/healthz", headers=headers).status_code == 200


def test_a_fault_is_said_without_its_text(client: TestClient, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("dicface.web.work.look", fails)
    reply = client.post("/photos", content=photo.read_bytes())
    assert reply.status_code == 500
    assert reply.json() == {"error": "Something went wrong here. Please try again, or try another photo."}


@pytest.mark.parametrize("prefix", ["", "/faces"])
def test_a_proxy_may_serve_it_under_a_prefix(root: Path, photo: Path, prefix: str) -> None:
    """The prefix arrives where the proxy passes it on, and does not where it takes it away."""
    desk = Desk(cast(Worker, None), waiting=2)
    with TestClient(make_app(Album(root), desk, upload_mb=2, root_path="/faces")) as client:
        assert '<base href="/faces/">' in client.get(f"{prefix}/").text
        assert client.get(f"{prefix}/healthz").status_code == 200
        assert client.get(f"{prefix}/static/page.js").status_code == 200
        assert client.get("/facesx/healthz").status_code == 404


def test_what_is_asked_for_is_not_deleted(client: TestClient, root: Path, photo: Path) -> None:
    entry = uploaded(client, photo)
    source = root / entry["id"] / "source.png"
    os.utime(source, (1, 1))
    client.get(f"/photos/{entry['id']}/preview.jpg")
    assert source.stat().st_mtime > 1


def test_the_example_is_small_and_restorable() -> None:
    from dicface.images.photo import read_photo

    example = PAGE / "example.jpg"
    assert example.stat().st_size < 20_000
    assert read_photo(example).pixels.shape == (121, 121, 3)
    assert read_photo(example).notes == ()
