"""`dicface evaluate`."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.command import dicface
from tests.support.lpips import write_lpips


@pytest.mark.slow
def test_evaluate_prints_the_contracts_json(pack: Path) -> None:
    result = dicface("evaluate", pack, "--model", "lite", "--limit", "3", "--lr-size", "16,32", "--json")
    assert result.returncode == 0, result.stderr
    small, large = json.loads(result.stdout)
    assert (small["lr_size"], large["lr_size"], small["n"]) == (16, 32, 3)
    for protocol in ("y-crop8", "rgb-crop8", "y"):
        for part in (small["protocols"], small["bicubic"]):
            low, high = part[protocol]["psnr"]["ci95"]
            assert low <= part[protocol]["psnr"]["mean"] <= high
    assert set(small["nrmse"]) == {"width", "outer_eye", "inter_ocular"}
    assert all(error > 0 for error in small["nrmse"].values())


@pytest.mark.slow
def test_evaluate_measures_damages_one_after_another(pack: Path) -> None:
    damages = ["--damage", "none", "--damage", "noise10,jpeg75"]
    call = ["evaluate", pack, "--model", "lanczos", "--limit", "3", "--lr-size", "16,32", *damages]
    results = json.loads(dicface(*call, "--json").stdout)
    assert [(result["damage"], result["lr_size"]) for result in results] == [
        ("", 16),
        ("", 32),
        ("noise10,jpeg75", 16),
        ("noise10,jpeg75", 32),
    ]
    assert all(0 <= result["over_bicubic"]["psnr"]["y"]["worse"] <= 1 for result in results)
    assert "on 3 faces of" in (shown := dicface(*call).stdout)
    assert "32 px, noise10,jpeg75" in shown
    assert "worse on" in shown


@pytest.mark.slow
def test_evaluate_compares_and_reports_on_a_folder(portrait: np.ndarray, tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    faces.mkdir()
    for number in range(3):
        Image.fromarray(portrait[50 + number : 178 + number, 150:278]).save(faces / f"{number}.png")
    (faces / "broken.png").write_bytes(b"")
    call = ["evaluate", faces, "--consistent", "--against", "lite", "--backend", "onnxruntime", "--lr-size", "16"]
    result = dicface(*call, "--report", tmp_path / "report", "--csv", tmp_path / "faces.csv")
    assert result.returncode == 1, result.stderr
    assert result.stderr == f"dicface: {faces / 'broken.png'}: expected an image, got an empty file\n"
    assert "lite (consistent) on 3 faces of faces, 16 px" in result.stdout
    assert "better on" in result.stdout
    page = (tmp_path / "report" / "index.html").read_text()
    assert "compared with lite" in page
    assert len((tmp_path / "faces.csv").read_text().splitlines()) == 4
    again = dicface(*call, "--report", tmp_path / "report")
    assert again.returncode == 2
    assert "exists; add --overwrite to replace it" in again.stderr
    assert (tmp_path / "report" / "index.html").read_text() == page


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lr-size", "16,x"], "expected --lr-size as whole numbers with commas between, got '16,x'"),
        (["--lr-size", "16,65"], "expected a low-resolution side from 8 to 64 px for lite, got 65"),
        (["--damage", "jpg75"], "expected a damage, one of grey, sepia, faded, blurX"),
        (["--protocol", "psnr"], "expected a protocol, one of y-crop8, rgb-crop8, y, y-crop8-released, got 'psnr'"),
        (["--against", "lite"], "expected another model to compare with, got lite twice"),
        (["--identity", "--features", "none"], "a model file (.onnx, .safetensors) or a run's folder, got 'none'"),
    ],
)
def test_evaluate_refuses_wrong_calls(pack: Path, options: list[str], said: str) -> None:
    result = dicface("evaluate", pack, "--limit", "2", *options)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


def test_evaluate_measures_lpips_with_given_weights(pack: Path, tmp_path: Path) -> None:
    alexnet, linear = write_lpips(tmp_path)
    call = ["evaluate", pack, "--model", "lanczos", "--limit", "2", "--json"]
    result = dicface(*call, "--lpips", linear, "--lpips", alexnet)
    assert (result.returncode, result.stderr) == (0, "")
    measured = json.loads(result.stdout)["lpips"]
    assert measured["weights"]["alexnet"] == hashlib.sha256(alexnet.read_bytes()).hexdigest()
    for name in ("bicubic", "lanczos"):
        low, high = measured["distance"][name]["ci95"]
        assert 0 < low <= measured["distance"][name]["mean"] <= high
    twice = dicface(*call, "--lpips", alexnet, "--lpips", alexnet)
    assert (twice.returncode, twice.stdout) == (2, "")
    assert "got AlexNet twice" in twice.stderr
    (tmp_path / "page.pth").write_text("<!DOCTYPE html>")
    page = dicface(*call, "--lpips", alexnet, "--lpips", tmp_path / "page.pth")
    assert (page.returncode, page.stdout) == (1, "")
    assert "begins with b'<!DOCTYPE html>'; a download may have left a web page" in page.stderr
    kept = dicface(*call, "--lpips", alexnet, "--lpips", linear, "--csv", linear, "--overwrite")
    assert "the result would replace an input" in kept.stderr


def test_evaluate_asks_for_both_files_of_lpips(pack: Path, tmp_path: Path) -> None:
    alexnet, linear = tmp_path / "alexnet.pth", tmp_path / "alex.pth"
    alexnet.touch()
    linear.touch()
    for options, got in (
        (["--lpips", alexnet], f"got {alexnet}; give both files"),
        (["--lpips", alexnet, "--lpips", linear, "--lpips", alexnet], f"got {alexnet} and {linear} and {alexnet}"),
        (["--lpips", tmp_path / "none.pth"], "expected --lpips to name a file of weights, got no such file"),
        (["--lpips", tmp_path], "expected --lpips to name a file of weights, got a folder"),
    ):
        result = dicface("evaluate", pack, *options)
        assert (result.returncode, result.stdout) == (2, "")
        assert got in result.stderr


def test_evaluate_keeps_what_it_measures(pack: Path, tmp_path: Path) -> None:
    before = pack.read_bytes()
    result = dicface("evaluate", pack, "--limit", "2", "--csv", pack, "--overwrite")
    assert result.returncode == 2
    assert "the result would replace an input; choose another output" in result.stderr
    assert pack.read_bytes() == before
    (tmp_path / "file").touch()
    result = dicface("evaluate", pack, "--report", tmp_path / "file")
    assert result.returncode == 2
    assert "expected --report to name a folder" in result.stderr
    result = dicface("evaluate", pack, "--csv", tmp_path, "--overwrite")
    assert result.returncode == 2
    assert "expected a file name to write to" in result.stderr


@pytest.mark.slow
def test_evaluate_other_peoples_models(pack: Path, tmp_path: Path) -> None:
    import onnx
    import torch
    from onnx import TensorProto, helper

    from dicface.checkpoints.networks import write_tensors
    from dicface.runtime.spandrel import import_spandrel

    import_spandrel()
    from spandrel.architectures.RCAN import RCAN

    torch.manual_seed(0)
    network = RCAN(scale=4, n_feats=16, n_resgroups=1, n_resblocks=1)
    write_tensors(network.state_dict(), tmp_path / "rcan.safetensors", {})
    image, made = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("image", "made"))
    for side in (1, 3, "h", "w"):
        image.type.tensor_type.shape.dim.add(**{"dim_param" if isinstance(side, str) else "dim_value": side})
    cubic = helper.make_node("Resize", ["image", "", "by"], ["made"], mode="cubic", cubic_coeff_a=-0.5)
    by = helper.make_tensor("by", TensorProto.FLOAT, [4], [1, 1, 8, 8])
    graph = helper.make_graph([cubic], "g", [image], [made], initializer=[by])
    opset = helper.make_opsetid("", 20)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), tmp_path / "cubic.onnx")

    def evaluate(model: object) -> dict[str, Any]:
        done = dicface("evaluate", pack, "--model", model, "--limit", "4", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    unlearned, cubic_result, lanczos = map(
        evaluate, (tmp_path / "rcan.safetensors", tmp_path / "cubic.onnx", "lanczos")
    )
    assert unlearned["description"] == "RCAN x4 in spandrel, its 64 px of 16 resized to 128"
    assert unlearned["protocols"]["y"]["psnr"]["mean"] < unlearned["bicubic"]["y"]["psnr"]["mean"] - 3
    # The same kernel as Pillow's, but for the edges and rounding.
    bicubic = cubic_result["bicubic"]["y-crop8"]["psnr"]["mean"]
    assert cubic_result["protocols"]["y-crop8"]["psnr"]["mean"] == pytest.approx(bicubic, abs=0.05)
    assert lanczos["protocols"]["y"]["psnr"]["mean"] != lanczos["bicubic"]["y"]["psnr"]["mean"]
    (tmp_path / "page.pth").write_text("<!DOCTYPE html>")
    refused = dicface("evaluate", pack, "--model", tmp_path / "page.pth")
    assert refused.returncode == 1
    assert "begins with b'<!DOCTYPE html>'; a download may have left a web page" in refused.stderr
