"""Restore faces of pictures, and upscale face crops. Tensors are converted; dicface works in NumPy."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from dicface import Face, Outcome, Restorer
from dicface.runtime.models import DEFAULT_SHARPNESS

MODELS = ["lite"]
_STRENGTH = ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.05, "tooltip": "0: the plain enlargement."})
_SHARPNESS = (
    "FLOAT",
    {
        **{"default": DEFAULT_SHARPNESS, "min": 0.0, "max": 1.0, "step": 0.05},
        "tooltip": "More detail, and more of it invented.",
    },
)
_MODEL = (MODELS, {"default": MODELS[0], "tooltip": "For clean and damaged faces."})


def to_pixels(images: torch.Tensor) -> NDArray[np.uint8]:
    """Pictures of ComfyUI as pixels: (B, H, W, 3 or 4) float in [0, 1] to (B, H, W, 3) uint8 RGB."""
    return np.rint(np.clip(images[..., :3].cpu().numpy(), 0, 1) * 255).astype(np.uint8)


def to_images(pixels: list[NDArray[np.uint8]]) -> torch.Tensor:
    """Pixels as pictures of ComfyUI: (B, H, W, 3) float32 in [0, 1]."""
    return torch.from_numpy(np.stack(pixels).astype(np.float32) / 255)


def to_masks(masks: list[NDArray[np.float32]]) -> torch.Tensor:
    """Shares as masks of ComfyUI: (B, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.stack(masks))


def masks_of(mask: torch.Tensor | None, count: int) -> list[NDArray[np.float32] | None]:
    """A mask for each picture; None where there is none. A single one counts for all."""
    if mask is None:
        return [None] * count
    shares = mask.cpu().numpy().astype(np.float32)
    if shares.ndim == 2:
        shares = shares[None]
    if len(shares) not in (1, count):
        raise ValueError(f"expected one mask, or one for each of {count} pictures, got {len(shares)}")
    return [shares[number % len(shares)] for number in range(count)]


def resized(share: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """A mask in another size."""
    image = Image.fromarray(share).resize((width, height), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(image), 0, 1)


class _Node:
    """A node that keeps its restorer as long as it stays in the graph."""

    CATEGORY = "image/dicface"
    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("image", "mask")

    def __init__(self) -> None:
        self._loaded: tuple[tuple[str, float], Restorer] | None = None

    def _restorer(self, model: str, sharpness: float) -> Restorer:
        wanted = model, sharpness
        if self._loaded is None or self._loaded[0] != wanted:
            self._loaded = wanted, Restorer(model, sharpness=sharpness)
        return self._loaded[1]


class RestoreFaces(_Node):
    """Finds the small faces of each picture and restores them."""

    DESCRIPTION = "Finds faces of 12 to about 197 px and restores them. The mask says where; larger faces stay."
    FUNCTION = "restore"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The node's inputs, as ComfyUI asks for them."""
        size = {"default": 0, "min": 0, "max": 4096}
        return {
            "required": {
                "image": ("IMAGE",),
                "model": _MODEL,
                "scale": ("INT", {"default": 1, "min": 1, "max": 8, "tooltip": "Enlargement of the picture."}),
                "strength": _STRENGTH,
                "sharpness": _SHARPNESS,
                "min_face": ("INT", {**size, "tooltip": "Smallest face, brows to chin, in pixels; 0: no limit."}),
                "max_face": ("INT", {**size, "tooltip": "Largest face in pixels; 0: no limit."}),
                "index": ("INT", {**size, "tooltip": "Number of the one face to restore; 0: all."}),
            },
            "optional": {"mask": ("MASK", {"tooltip": "Faces whose centre is outside of it stay as they are."})},
        }

    def restore(
        self,
        image: torch.Tensor,
        model: str,
        scale: int,
        strength: float,
        sharpness: float,
        min_face: int,
        max_face: int,
        index: int,
        mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The restored pictures, and where they differ from the plain enlargement."""
        restorer, results, shares = self._restorer(model, sharpness), [], []
        pictures = to_pixels(image)
        for pixels, where in zip(pictures, masks_of(mask, len(pictures)), strict=True):
            found = restorer.faces(
                pixels,
                strength=strength,
                min_face=min_face or None,
                max_face=max_face or None,
                faces=[index] if index else None,
            )
            faces = [face for face in found if face.outcome is Outcome.RESTORED and is_inside(where, face, pixels)]
            results.append(restorer.blend(pixels, faces, scale=scale))
            shares.append(shares_of(restorer, pixels, faces, scale))
        return to_images(results), to_masks(shares)


def is_inside(mask: NDArray[np.float32] | None, face: Face, pixels: NDArray[np.uint8]) -> bool:
    """Whether the centre of a face lies in a mask of any size."""
    if mask is None:
        return True
    height, width = pixels.shape[:2]
    column = (face.box.left + face.box.right) / 2 * mask.shape[1] / width
    row = (face.box.top + face.box.bottom) / 2 * mask.shape[0] / height
    last = mask.shape[0] - 1, mask.shape[1] - 1
    return bool(mask[min(max(int(row), 0), last[0]), min(max(int(column), 0), last[1])] >= 0.5)


def shares_of(restorer: Restorer, pixels: NDArray[np.uint8], faces: list[Face], scale: int) -> NDArray[np.float32]:
    """Share of restored faces in each pixel of the enlarged picture: (H * scale, W * scale) float32 in [0, 1]."""
    height, width = pixels.shape[0] * scale, pixels.shape[1] * scale
    whole = np.zeros((height, width), np.float32)
    for face in faces:
        opacity = restorer.layer(pixels, face)[..., 3].astype(np.float32) / 255 * face.strength
        side = max(1, round(face.square.side * scale))
        share = resized(opacity, side, side)
        left, top = round(face.square.left * scale), round(face.square.top * scale)
        rows, columns = slice(max(top, 0), min(top + side, height)), slice(max(left, 0), min(left + side, width))
        part = share[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        whole[rows, columns] = np.maximum(whole[rows, columns], part)
    return whole


class UpscaleFaceCrop(_Node):
    """Enlarges aligned, square crops of one face."""

    DESCRIPTION = "Enlarges square crops of one face, 8 to 64 px, to 128 px. The mask is enlarged with them."
    FUNCTION = "upscale"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """The node's inputs, as ComfyUI asks for them."""
        return {
            "required": {"image": ("IMAGE",), "model": _MODEL, "strength": _STRENGTH, "sharpness": _SHARPNESS},
            "optional": {"mask": ("MASK", {"tooltip": "Enlarged with the crop."})},
        }

    def upscale(
        self, image: torch.Tensor, model: str, strength: float, sharpness: float, mask: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The enlarged faces, and their masks; whole where none is given."""
        crops = to_pixels(image)
        results: list[NDArray[np.uint8]] = []
        for crop, face in zip(crops, self._restorer(model, sharpness).upscale(crops), strict=True):
            plain = Image.fromarray(crop).resize(face.shape[1::-1], Image.Resampling.BICUBIC)
            mixed = strength * face.astype(np.float32) + (1 - strength) * np.asarray(plain, np.float32)
            results.append(np.rint(mixed).astype(np.uint8))
        height, width = results[0].shape[:2]
        masks = [
            np.ones((height, width), np.float32) if share is None else resized(share, width, height)
            for share in masks_of(mask, len(crops))
        ]
        return to_images(results), to_masks(masks)


NODE_CLASS_MAPPINGS = {"DicfaceRestoreFaces": RestoreFaces, "DicfaceUpscaleFaceCrop": UpscaleFaceCrop}
NODE_DISPLAY_NAME_MAPPINGS = {
    "DicfaceRestoreFaces": "Restore Faces (dicface)",
    "DicfaceUpscaleFaceCrop": "Upscale Face Crop",
}
