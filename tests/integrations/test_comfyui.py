"""The node pack of ComfyUI, loaded and run by a stand-in."""

import ast
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from packaging.requirements import Requirement

from dicface import Outcome, Restorer, UsageError
from dicface.runtime.models import models_to_choose
from dicface.version import __version__
from tests.support.comfyui import load_pack, run_node

PACK = Path(__file__).parent.parent.parent / "integrations" / "comfyui"


@pytest.fixture(scope="module")
def pack() -> ModuleType:
    return load_pack(PACK)


@pytest.fixture
def image(small_photo: np.ndarray) -> torch.Tensor:
    """The small photo as a picture of ComfyUI."""
    return torch.from_numpy(small_photo[None].astype(np.float32) / 255)


def test_the_registry_finds_what_it_asks_for() -> None:
    settings = tomllib.loads((PACK / "pyproject.toml").read_text())
    assert {"PublisherId", "DisplayName"} <= settings["tool"]["comfy"].keys()
    assert settings["project"]["version"] == __version__
    (needed,) = settings["project"]["dependencies"]
    assert Requirement(needed).specifier.contains(__version__)
    assert (PACK / "requirements.txt").read_text().splitlines() == [needed]


def test_nodes_have_their_names(pack: ModuleType) -> None:
    assert pack.NODE_CLASS_MAPPINGS.keys() == pack.NODE_DISPLAY_NAME_MAPPINGS.keys()
    assert set(pack.NODE_DISPLAY_NAME_MAPPINGS.values()) == {"Restore Faces (dicface)", "Upscale Face Crop"}
    for node in pack.NODE_CLASS_MAPPINGS.values():
        assert (node.RETURN_TYPES, node.DESCRIPTION != "") == (("IMAGE", "MASK"), True)


def test_models_are_embedded_ones(pack: ModuleType) -> None:
    for node in pack.NODE_CLASS_MAPPINGS.values():
        assert list(node.INPUT_TYPES()["required"]["model"][0]) == models_to_choose()


def test_torch_converts_and_does_nothing_else() -> None:
    tree = ast.parse((PACK / "nodes.py").read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "torch"
    }
    assert used == {"Tensor", "from_numpy"}


class TestRestoreFaces:
    """Restore Faces (dicface)."""

    @pytest.fixture
    def node(self, pack: ModuleType) -> object:
        return pack.NODE_CLASS_MAPPINGS["DicfaceRestoreFaces"]()

    @pytest.mark.slow
    def test_the_result_is_that_of_the_library(
        self, node: object, image: torch.Tensor, small_photo: np.ndarray
    ) -> None:
        result, mask = run_node(node, image=image, scale=2)
        wanted = Restorer().restore(small_photo, scale=2)
        assert np.array_equal(np.rint(result[0].numpy() * 255), wanted.image)
        changed = (wanted.image != Restorer().blend(small_photo, [], scale=2)).any(axis=2)
        assert mask.shape == result.shape[:3]
        assert float(mask.max()) > 0.5
        # What changed lies in the mask, but for rounding where it is nearly zero.
        assert (mask[0].numpy()[changed] > 0).mean() > 0.98

    def test_strength_of_zero_and_another_index_leave_the_picture(self, node: object, image: torch.Tensor) -> None:
        for settings in ({"strength": 0.0}, {"index": 9}, {"min_face": 500}, {"max_face": 5}):
            result, mask = run_node(node, image=image, **settings)
            assert torch.equal(torch.round(result * 255), torch.round(image * 255))
            assert float(mask.max()) == 0

    @pytest.mark.slow
    def test_a_mask_chooses_faces(self, node: object, image: torch.Tensor, small_photo: np.ndarray) -> None:
        (box,) = (face.box for face in Restorer().faces(small_photo) if face.outcome is Outcome.RESTORED)
        mask = torch.zeros(1, *image.shape[1:3])
        _, outside = run_node(node, image=image, mask=mask)
        mask[0, int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = 1
        _, inside = run_node(node, image=image, mask=mask)
        assert float(outside.max()) == 0
        assert float(inside.max()) > 0.5

    def test_a_batch_with_and_without_faces(self, node: object, image: torch.Tensor) -> None:
        both = torch.cat([image, torch.full_like(image, 0.5)])
        result, mask = run_node(node, image=both)
        assert result.shape == both.shape
        assert [float(each.max()) > 0.5 for each in mask] == [True, False]
        with pytest.raises(ValueError, match="expected one mask, or one for each of 2 pictures, got 3"):
            run_node(node, image=both, mask=torch.zeros(3, *image.shape[1:3]))

    def test_opacity_of_a_picture_is_left_out(self, node: object, image: torch.Tensor) -> None:
        opaque = torch.cat([image, torch.ones_like(image[..., :1])], dim=-1)
        assert torch.equal(run_node(node, image=opaque)[0], run_node(node, image=image)[0])


class TestUpscaleFaceCrop:
    """Upscale Face Crop."""

    @pytest.fixture
    def node(self, pack: ModuleType) -> object:
        return pack.NODE_CLASS_MAPPINGS["DicfaceUpscaleFaceCrop"]()

    @pytest.mark.slow
    def test_the_result_is_that_of_the_library(self, node: object) -> None:
        crops = np.random.default_rng(0).integers(0, 255, (2, 24, 24, 3), np.uint8)
        image = torch.from_numpy(crops.astype(np.float32) / 255)
        result, mask = run_node(node, image=image)
        assert np.array_equal(np.rint(result.numpy() * 255), Restorer().upscale(crops))
        assert torch.equal(mask, torch.ones(2, 128, 128))

    def test_strength_mixes_with_the_plain_enlargement_and_a_mask_grows(self, node: object) -> None:
        image = torch.full((1, 16, 16, 3), 0.5)
        half = torch.zeros(1, 16, 16)
        half[:, :, 8:] = 1
        result, mask = run_node(node, image=image, strength=0.0, mask=half)
        assert torch.equal(torch.round(result * 255), torch.full((1, 128, 128, 3), 128.0))
        assert float(mask[0, :, :56].max()) == 0
        assert float(mask[0, :, 72:].min()) == 1

    def test_other_sizes_are_refused_by_dicface(self, node: object) -> None:
        with pytest.raises(UsageError, match="px"):
            run_node(node, image=torch.zeros(1, 100, 100, 3))
