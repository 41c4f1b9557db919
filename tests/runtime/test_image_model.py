"""Other people's networks and plain enlargement keep the contract of ours, or are refused by name."""

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image

from dicface.checkpoints.networks import save_network, write_tensors
from dicface.errors import CheckpointError, UnknownModelError, UsageError
from dicface.images.pixels import resize, to_network, to_uint8
from dicface.networks.dic import DICNetwork
from dicface.runtime.face_model import FaceModel
from dicface.runtime.spandrel import import_spandrel
from dicface.runtime.upscalers import open_model
from tests.support.networks import TINY

CROPS = [np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8) for side in (16, 9, 64, 16)]


def architecture(name: str, **settings: Any) -> torch.nn.Module:
    import_spandrel()
    import spandrel.architectures.Compact
    import spandrel.architectures.RCAN
    import spandrel.architectures.SwinIR

    torch.manual_seed(0)
    warnings.simplefilter("ignore")  # pytest puts the filters back after the test
    return {
        "Compact": spandrel.architectures.Compact.Compact,
        "RCAN": spandrel.architectures.RCAN.RCAN,
        "SwinIR": spandrel.architectures.SwinIR.SwinIR,
    }[name](**settings).eval()


def rcan(scale: int) -> torch.nn.Module:
    return architecture("RCAN", scale=scale, n_feats=16, n_resgroups=1, n_resblocks=1)


def onnx_file(
    path: Path,
    entry: Sequence[int | str],
    out: Sequence[int | str] | None,
    nodes: Sequence[onnx.NodeProto],
    pixels: int = TensorProto.FLOAT,
    more: Sequence[str] = (),
    constants: Sequence[onnx.TensorProto] = (),
) -> str:
    inputs = [helper.make_tensor_value_info(name, pixels, entry) for name in ("image", *more)]
    outputs = [helper.make_tensor_value_info("made", pixels, out)]
    graph = helper.make_graph(list(nodes), "g", inputs, outputs, initializer=list(constants))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return str(path)


def enlarging(scale: int, channels_first: bool = True) -> dict[str, Any]:
    """Each pixel becomes a square."""
    sides = [1, 1, scale, scale] if channels_first else [1, scale, scale, 1]
    return {
        "nodes": [helper.make_node("Resize", ["image", "", "scales"], ["made"], mode="nearest")],
        "constants": [helper.make_tensor("scales", TensorProto.FLOAT, [4], sides)],
    }


def check_contract(model: Callable[..., Any], crops: list[np.ndarray]) -> None:
    results = model(crops)
    assert len(results) == len(crops)
    for result, crop in zip(results, crops, strict=True):
        assert result.sr.shape == (1, 128, 128, 3)
        assert result.sr.dtype == np.uint8
        assert (result.landmarks.shape, result.heatmap_confidence.shape) == ((1, 0, 2), (1, 0))
        np.testing.assert_array_equal(model([crop])[0].sr, result.sr)
    assert model([]) == []


@pytest.mark.parametrize("scale", [8, 4])
def test_spandrel_networks_give_what_they_give_in_torch(tmp_path: Path, scale: int) -> None:
    network = rcan(scale)
    path = tmp_path / "rcan.safetensors"
    write_tensors(network.state_dict(), path, {})
    model = open_model(str(path))
    check_contract(model, CROPS)
    # It scales its input in place.
    with torch.inference_mode():
        sr = network(torch.from_numpy(to_network(CROPS[0][None])))
    wanted = to_uint8(sr[0].permute(1, 2, 0).numpy())
    wanted = wanted if scale == 8 else resize(wanted, (128, 128))
    np.testing.assert_array_equal(model([CROPS[0]])[0].sr[0], wanted)
    resized = "" if scale == 8 else f", its {16 * scale} px of 16 resized to 128"
    assert (model.description, model.lr_sizes) == (f"RCAN x{scale} in spandrel{resized}", (8, 64))


@pytest.mark.parametrize("wrapped", [{}, {"params_ema": None}, {"state_dict": None}])
def test_pickled_weights_of_another_architecture(tmp_path: Path, wrapped: dict[str, None]) -> None:
    weights = architecture("Compact", num_feat=8, num_conv=1, upscale=4).state_dict()
    torch.save(dict.fromkeys(wrapped, weights) if wrapped else weights, tmp_path / "compact.pth")
    model = open_model(str(tmp_path / "compact.pth"))
    assert model.description == "RealESRGAN Compact x4 in spandrel, its 64 px of 16 resized to 128"
    check_contract(model, CROPS[:2])


def test_a_denoiser_keeps_the_size_and_its_result_is_enlarged(tmp_path: Path) -> None:
    weights = architecture("Compact", num_feat=8, num_conv=1, upscale=1).state_dict()
    write_tensors(weights, tmp_path / "a.safetensors", {})
    model = open_model(str(tmp_path / "a.safetensors"))
    assert model.description == "RealESRGAN Compact x1 in spandrel, its 16 px of 16 resized to 128"
    check_contract(model, CROPS[:2])


def test_a_network_that_fails_or_gives_nan_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {key: value * float("nan") for key, value in rcan(8).state_dict().items()}
    write_tensors(weights, tmp_path / "a.safetensors", {})
    with pytest.raises(CheckpointError, match=r"expected pixels in \[0, 1\] out of 'a.safetensors', got nan to nan"):
        open_model(str(tmp_path / "a.safetensors"))

    def fail(*_: object) -> None:
        raise RuntimeError("padding of 8\nfor 4")

    monkeypatch.setattr(type(rcan(8)), "forward", fail)
    with pytest.raises(CheckpointError, match=r"'a.safetensors' cannot take a crop of 16 px: padding of 8 for 4; try "):
        open_model(str(tmp_path / "a.safetensors"))


def test_windows_larger_than_the_crop_are_padded(tmp_path: Path) -> None:
    network = architecture("SwinIR", depths=[1], embed_dim=12, num_heads=[2], upscale=8, upsampler="pixelshuffle")
    write_tensors(network.state_dict(), tmp_path / "a.safetensors", {})
    check_contract(open_model(str(tmp_path / "a.safetensors")), CROPS[:2])


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8])
@pytest.mark.parametrize("channels_first", [True, False])
def test_any_onnx_with_an_image_in_and_an_image_out(tmp_path: Path, kind: int, channels_first: bool) -> None:
    entry = [1, 3, "h", "w"] if channels_first else ["n", "h", "w", 3]
    path = onnx_file(tmp_path / "a.onnx", entry, None, **enlarging(8, channels_first), pixels=kind)
    model = open_model(path)
    check_contract(model, CROPS)
    np.testing.assert_array_equal(model([CROPS[0]])[0].sr[0], CROPS[0].repeat(8, 0).repeat(8, 1))
    assert (model.name, model.backend, model.description) == (path, "onnxruntime", "ONNX network a.onnx")


def test_an_onnx_of_one_size_and_scale(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "a.onnx", [1, 3, 16, 16], [1, 3, 64, 64], **enlarging(4))
    model = open_model(path)
    assert model.lr_sizes == (16, 16)
    assert model.description == "ONNX network a.onnx, its 64 px of 16 resized to 128"
    check_contract(model, [CROPS[0]])
    with pytest.raises(UsageError, match=r"a.onnx takes square crops of 16 to 16 px, got 9x9"):
        model([CROPS[1]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"entry": [1, 1, "h", "w"]}, r"expected 3 channels, .* got 'a.onnx' with the input image \[1, 1, 'h', 'w'\]"),
        ({"entry": [1, 3, 512, 512]}, "takes one square crop of 8 to 64 px, got 'a.onnx' with the input image"),
        ({"entry": [1, 3, 16, 24]}, "takes one square crop of 8 to 64 px, got 'a.onnx' with the input image"),
        ({"entry": [4, 3, 16, 16]}, "takes one square crop of 8 to 64 px, got 'a.onnx' with the input image"),
        (
            {"entry": [3, "h", "w"]},
            r"one image as its input, .* with image tensor\(float\) \[3, 'h', 'w'\]",
        ),
        ({"pixels": TensorProto.INT64}, r"float in \[0, 1\] or uint8, got 'a.onnx' with image tensor\(int64\)"),
        ({"more": ["mask"]}, r"one image as its input, .* got 'a.onnx' with image .*, mask "),
        (
            {"nodes": [helper.make_node("ReduceMean", ["image"], ["made"], keepdims=0)]},
            r"expected an image out of 'a.onnx', \(1, 3, H, W\) or \(1, H, W, 3\), got \(\)",
        ),
        (
            {"nodes": [helper.make_node("Add", ["image", "c"], ["made"])], "constants": [("c", 100.0)]},
            r"expected pixels in \[0, 1\] out of 'a.onnx', got 100.502 to 100.502; put the scaling into the graph",
        ),
        (
            {"nodes": [helper.make_node("Reshape", ["image", "c"], ["made"])], "constants": [("c", [1, 3, 8, 32])]},
            r"expected a square image of a square crop out of 'a.onnx', got \(1, 3, 8, 32\)",
        ),
        (
            {"nodes": [helper.make_node("Reshape", ["image", "c"], ["made"])], "constants": [("c", [1, 3, 7, 7])]},
            "'a.onnx' cannot take a crop of 16 px: .*",
        ),
    ],
)
def test_other_onnx_files_are_refused_by_name(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "entry": [1, 3, "h", "w"],
        "out": None,
        "nodes": [helper.make_node("Identity", ["image"], ["made"])],
    }
    constants = [
        helper.make_tensor(name, TensorProto.INT64, [len(value)], value)
        if isinstance(value, list)
        else helper.make_tensor(name, TensorProto.FLOAT, [], [value])
        for name, value in settings.get("constants", [])
    ]
    described: dict[str, Any] = given | settings | {"constants": constants}
    with pytest.raises(CheckpointError, match=message):
        open_model(onnx_file(tmp_path / "a.onnx", **described))


def test_networks_for_something_else_are_refused_by_name(tmp_path: Path) -> None:
    def refusing(weights: dict[str, torch.Tensor], message: str) -> None:
        write_tensors(weights, tmp_path / "a.safetensors", {})
        with pytest.raises(CheckpointError, match=message):
            open_model(str(tmp_path / "a.safetensors"))

    grey = architecture("RCAN", scale=8, n_feats=16, n_resgroups=1, n_resblocks=1, n_colors=1, norm=False)
    refusing(grey.state_dict(), r"expected 3 channels in and 3 out, got RCAN with \(1, 1\)")
    refusing({"a.weight": torch.zeros(2)}, r"an architecture that spandrel .* knows, got 'a.safetensors' with \['a.w")
    cut = {key: value for key, value in rcan(8).state_dict().items() if key != "tail.1.bias"}
    refusing(cut, r"expected whole weights of one network, 'a.safetensors' does not load: .*tail.1.bias")


@pytest.mark.parametrize(
    ("name", "purpose", "message"),
    [
        ("LaMa", "Inpainting", "expected a network that takes an image alone, got LaMa, which fills in holes"),
        (
            "GFPGAN",
            "FaceSR",
            "expected a network that enlarges, got GFPGAN, which repairs faces already",
        ),
    ],
)
def test_inpainting_and_large_faces_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, purpose: str, message: str
) -> None:
    # The weights of the real ones have hundreds of megabytes; these differ in nothing that is looked at.
    spandrel = import_spandrel()
    kind = spandrel.MaskedImageModelDescriptor if purpose == "Inpainting" else spandrel.ImageModelDescriptor
    sizes = {"input_channels": 3, "output_channels": 3} | ({} if purpose == "Inpainting" else {"scale": 1})
    (known,) = (entry.architecture for entry in spandrel.MAIN_REGISTRY if entry.architecture.id == name)
    network = kind(torch.nn.Identity(), {}, known, purpose, [], True, True, **sizes)
    monkeypatch.setattr(spandrel.ModelLoader, "load_from_state_dict", lambda *_: network)
    write_tensors({"a": torch.zeros(1)}, tmp_path / "a.safetensors", {})
    with pytest.raises(CheckpointError, match=message):
        open_model(str(tmp_path / "a.safetensors"))


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("touched",))


def test_a_pickle_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"params": rcan(8).state_dict(), "more": Evil()}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"expected tensors only, but 'a.pth' asks for posix.mkdir"):
        open_model("a.pth")
    with warnings.catch_warnings():
        # TorchScript is going out of use; its files are not.
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Conv2d(3, 3, 1), torch.zeros(1, 3, 4, 4)), tmp_path / "b.pt")
    with pytest.raises(CheckpointError, match=r"expected weights, but 'b.pt' is a TorchScript program"):
        open_model("b.pt")
    torch.save([1, 2], tmp_path / "c.pth")
    with pytest.raises(CheckpointError, match=r"expected weights by name, got a list in 'c.pth'"):
        open_model("c.pth")
    assert not (tmp_path / "touched").exists()


def test_enlargement_is_pillows() -> None:
    for name, resample in (("bicubic", Image.Resampling.BICUBIC), ("lanczos", Image.Resampling.LANCZOS)):
        model = open_model(name)
        check_contract(model, CROPS)
        wanted = np.asarray(Image.fromarray(CROPS[1]).resize((128, 128), resample))
        np.testing.assert_array_equal(model([CROPS[1]])[0].sr[0], wanted)


def test_ours_are_told_apart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_network(DICNetwork(TINY), tmp_path / "ours.safetensors")
    assert isinstance(open_model(str(tmp_path / "ours.safetensors")), FaceModel)
    assert isinstance(open_model("lite", "onnxruntime"), FaceModel)


def test_restoring_takes_ours_only(tmp_path: Path) -> None:
    write_tensors(rcan(8).state_dict(), tmp_path / "a.safetensors", {})
    torch.save(rcan(8).state_dict(), tmp_path / "a.pth")
    path = onnx_file(tmp_path / "a.onnx", [1, 3, "h", "w"], None, **enlarging(8))
    for name, message in (
        (path, "expected a face model with input lr .*dicface evaluate` takes any network"),
        (str(tmp_path / "a.safetensors"), "expected a network configuration inside"),
        (
            str(tmp_path / "a.pth"),
            "expected a network of dicface .* and `dicface evaluate` measures those of other networks",
        ),
    ):
        with pytest.raises((CheckpointError, UsageError), match=message):
            FaceModel(name, backend="auto")


def test_names_and_backends(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"expected one of lite.*, bicubic, lanczos, a model file .*'nope'"):
        open_model("nope")
    (tmp_path / "a.bin").write_bytes(b"weights")
    with pytest.raises(
        UnknownModelError, match=r"\.onnx, \.safetensors, \.pth, \.pt, \.ckpt\) or a run's folder, got .*a\.bin"
    ):
        open_model(str(tmp_path / "a.bin"))
    path = onnx_file(tmp_path / "a.onnx", [1, 3, "h", "w"], None, **enlarging(8))
    with pytest.raises(UsageError, match=r"a.onnx' runs in onnxruntime; leave out `backend`, got 'openvino'"):
        open_model(path, "openvino")
