"""`POST /restore`: a photo in, a photo or its report out."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from dicface.errors import UsageError
from dicface.faces.geometry import Box
from dicface.images.photo import read_photo
from dicface.images.pixels import resize
from dicface.images.xmp import COMPOSITE
from dicface.restoration.files import restore_file
from dicface.runtime.models import DEFAULT_SHARPNESS
from dicface.web.api import read_options
from dicface.web.networks import AddedNetworks
from dicface.web.restorers import restorer_of

BOX = {"box": "43,21,64,43", "only_boxes": "true"}


def test_every_parameter_is_read(networks: AddedNetworks) -> None:
    options = read_options(
        {
            "scale": ["auto"],
            "strength": ["0.5"],
            "faces": ["1,3"],
            "min_face": ["10"],
            "max_face": ["90"],
            "box": ["1,2,3,4", "5,6,7,8"],
            "only_boxes": ["true"],
            "force": [""],
            "full_strength": ["yes"],
            "large_faces": ["true"],
            "background": ["no"],
            "model": ["lite"],
            "format": ["JPG"],
        },
        networks,
    )
    assert (options.model, options.suffix) == ("lite", ".jpg")
    assert options.restoring == {
        "scale": "auto",
        "strength": 0.5,
        "faces": [1, 3],
        "min_face": 10,
        "max_face": 90,
        "boxes": [Box(1, 2, 3, 4), Box(5, 6, 7, 8)],
        "only_boxes": True,
        "force": True,
        "adaptive": False,
    }
    assert options.networks == networks._replace(background=None)
    without = read_options({}, networks).networks
    assert (without.large_faces, without.background) == (None, None)


def test_sharpness_is_taken_in_steps_and_has_a_default() -> None:
    assert read_options({}).sharpness == DEFAULT_SHARPNESS
    assert read_options({"sharpness": ["0"]}).sharpness == 0
    assert read_options({"sharpness": ["0.75"]}).sharpness == 0.75
    with pytest.raises(UsageError, match=r"as `sharpness` one of 0, 0\.25, 0\.5, 0\.75, 1"):
        read_options({"sharpness": ["0.3"]})


def test_single_faces_have_strengths_of_their_own() -> None:
    assert read_options({"strength": ["0.7", "3=0.4"]}).restoring == {"strength": {None: 0.7, 3: 0.4}}
    assert read_options({"strength": ["3=0.4"]}).restoring == {"strength": {3: 0.4}}
    assert read_options({"strength": ["0.7", "0.5"]}).restoring == {"strength": 0.5}, "the last one counts"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"scale": ["big"]}, "expected a number as `scale`, got 'big'"),
        ({"strength": ["half"]}, "expected as `strength` 0.7, or 3=0.4 for the face of number 3, got 'half'"),
        ({"strength": ["x=1"]}, "expected as `strength` 0.7, or 3=0.4 for the face of number 3, got 'x=1'"),
        ({"faces": ["1,x"]}, "expected whole numbers with commas between as `faces`"),
        ({"box": ["1,2,3"]}, "expected as `box` left,top,right,bottom"),
        ({"force": ["maybe"]}, "expected true or false as `force`"),
        ({"full_strength": ["maybe"]}, "expected true or false as `full_strength`"),
        ({"background": ["a.onnx"]}, "expected true or false as `background`"),
        ({"large_faces": ["true"]}, "expected no `large_faces`: this server was started without a network for that"),
        ({"background": ["1"]}, "expected no `background`: this server was started without a network for that"),
        ({"model": ["/etc/passwd"]}, "expected a `model`, one of lite"),
        ({"format": ["exe"]}, "expected as format one of png"),
        ({"sclae": ["2"]}, "expected parameters among scale, .*, got 'sclae'"),
    ],
)
def test_a_wrong_parameter_is_named(values: dict[str, list[str]], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_options(values)


@pytest.mark.slow
def test_a_photo_in_and_the_restored_photo_out(client: TestClient, root: Path, photo: Path) -> None:
    reply = client.post("/restore", params={"name": "Eileen.png", "scale": "2", **BOX}, content=photo.read_bytes())
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "image/png"
    assert 'filename="Eileen-restored.png"' in reply.headers["content-disposition"]
    (root.parent / "reply.png").write_bytes(reply.content)
    result = read_photo(root.parent / "reply.png")
    expected = restore_file(
        photo, root.parent / "expected.png", scale=2, boxes=[Box(43, 21, 64, 43)], only_boxes=True
    ).restoration.image
    np.testing.assert_array_equal(result.pixels, expected)
    assert COMPOSITE in result.metadata.xmp.decode()
    assert list(root.iterdir()) == []


def test_a_form_in_and_the_report_out(client: TestClient, root: Path, photo: Path) -> None:
    reply = client.post(
        "/restore",
        files={"photo": ("Eileen.png", photo.read_bytes())},
        data={"scale": "1", "strength": ["0.75", "1=0.25"], **BOX},
        headers={"accept": "application/json"},
    )
    assert reply.status_code == 200, reply.text
    report = reply.json()
    assert (report["input"], report["output"]) == ("Eileen.png", "Eileen-restored.png")
    assert [(face["outcome"], face["strength"]) for face in report["faces"]] == [("restored", 0.25)]
    assert report["sentence"].startswith("1 of 1 faces restored")
    assert str(root) not in reply.text
    assert list(root.iterdir()) == []


def test_another_format_is_asked_for(client: TestClient, photo: Path) -> None:
    reply = client.post("/restore", params={"format": "webp", "scale": "1", **BOX}, content=photo.read_bytes())
    assert Image.open(io.BytesIO(reply.content)).format == "WEBP"


@pytest.mark.slow
def test_the_operators_networks_are_used_where_they_are_asked_for(
    client_with_networks: TestClient, photo: Path, tmp_path: Path, networks: AddedNetworks
) -> None:
    def report(**params: str) -> Any:
        reply = client_with_networks.post(
            "/restore",
            params={**BOX, "scale": "2", **params},
            content=photo.read_bytes(),
            headers={"accept": "application/json"},
        )
        assert reply.status_code == 200, reply.text
        return reply.json()

    model = f"lite at sharpness {DEFAULT_SHARPNESS:g}"
    assert report()["model"] == model
    assert report(background="true")["model"] == f"{model} + twice.onnx"
    reply = client_with_networks.post(
        "/restore", params={**BOX, "scale": "2", "background": "true"}, content=photo.read_bytes()
    )
    expected = restore_file(
        photo,
        tmp_path / "expected.png",
        restorer=restorer_of("lite", networks),
        scale=2,
        boxes=[Box(43, 21, 64, 43)],
        only_boxes=True,
    ).restoration.image
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(reply.content))), expected)


def test_larger_faces_are_restored_where_that_is_asked_for(
    client_with_networks: TestClient, tmp_path: Path, large_photo: np.ndarray
) -> None:
    Image.fromarray(large_photo).save(tmp_path / "close.jpg")
    outcomes: list[tuple[str, str | None]] = []
    for wanted in ("false", "true"):
        reply = client_with_networks.post(
            "/restore",
            files={"photo": ("close.jpg", (tmp_path / "close.jpg").read_bytes())},
            data={"box": "403,194,610,396", "only_boxes": "true", "scale": "1", "large_faces": wanted},
            headers={"accept": "application/json"},
        )
        (face,) = reply.json()["faces"]
        outcomes.append((face["outcome"], face["model"]))
    assert outcomes == [("too_large", None), ("restored", "negative.onnx")]


def test_full_strength_is_not_lowered(client: TestClient, tmp_path: Path, small_photo: np.ndarray) -> None:
    """Of a face that is so blurred that the model is not sure of it."""
    Image.fromarray(resize(resize(small_photo, (24, 24)), (121, 121))).save(tmp_path / "blurred.png")
    shares: list[float] = []
    for params in ({}, {"full_strength": "true"}):
        reply = client.post(
            "/restore",
            params={**BOX, "scale": "1", **params},
            content=(tmp_path / "blurred.png").read_bytes(),
            headers={"accept": "application/json"},
        )
        (face,) = reply.json()["faces"]
        shares.append(face["strength_share"])
    assert shares[0] < 1
    assert shares[1] == 1


def test_the_same_limits_and_plain_errors(client: TestClient, root: Path, photo: Path) -> None:
    def said(content: bytes, **params: str) -> tuple[int, str]:
        reply = client.post("/restore", params=params, content=content)
        return reply.status_code, reply.json()["error"]

    assert said(b"no picture")[0] == 422
    assert said(b"") == (422, "This file is empty.")
    assert said(bytes((2 << 20) + 1)) == (413, "This file is larger than what can be uploaded here.")
    assert said(photo.read_bytes(), scale="9") == (400, "expected a `scale` from 1 to 8, got 9")
    assert said(photo.read_bytes(), scale="nan")[0] == 400
    outside = "expected `box` whose centre lies in the photo of 121x121 px, got 200,0,300,100"
    assert said(photo.read_bytes(), box="200,0,300,100") == (400, outside)
    assert said(photo.read_bytes(), faces="0")[0] == 400
    assert said(photo.read_bytes(), model="../x")[0] == 400
    without = "this server was started without a network for that"
    assert said(photo.read_bytes(), large_faces="yes") == (400, f"expected no `large_faces`: {without}")
    assert said(photo.read_bytes(), background="yes") == (400, f"expected no `background`: {without}")
    assert said(photo.read_bytes(), background="/etc/passwd")[0] == 400
    reply = client.post("/restore", files={"one": ("a.png", b"a"), "two": ("b.png", b"b")})
    assert reply.status_code == 400
    reply = client.post("/restore", files={}, data={"scale": "1"}, headers={"content-type": "multipart/form-data"})
    assert reply.status_code == 400
    assert list(root.iterdir()) == []
