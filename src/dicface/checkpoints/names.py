"""Networks as other people name their parameters: the authors, and mmagic.

mmagic (once mmediting) carries a port of the DIC network. It computes the same: the same layers in the same order, the
same component ranges, RGB, and the same channel means (129.795 / 255 = 0.509, and so on). Only names differ. Its
hourglass is nested where the authors' is numbered, and its LightCNN is a flat list where theirs has groups.

Source: the released code of both.
"""

import re
from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from dicface.errors import CheckpointError

NetworkKind = Literal["DIC network", "landmark branch", "stacked hourglass", "discriminator", "LightCNN features"]
Dialect = Literal["authors", "mmagic"]
_Names = tuple[tuple[str, str], ...]

# Their names on the left. Order matters: the first pattern that matches the start of a key renames it, and the
# remainder is renamed again by the table of the part it belongs to.
_BLOCK_KEYS = (
    (r"compress_in\.", "compress_in."),
    (r"upBlocks\.", "up."),
    (r"downBlocks\.", "down."),
    (r"uptranBlocks\.", "merge_low."),
    (r"downtranBlocks\.", "merge_high."),
    (r"compress_out\.", "compress_out."),
    (r"fusion_block\.conv_in\.", "fusion.expand."),
    (r"fusion_block\.resnet\.(\d+)\.res\.", r"fusion.paths.\1.body."),
)
_MMAGIC_BLOCK_KEYS = (
    (r"conv_first\.", "compress_in."),
    (r"up_blocks\.", "up."),
    (r"down_blocks\.", "down."),
    (r"lr_blocks\.", "merge_low."),
    (r"hr_blocks\.", "merge_high."),
    (r"conv_last\.", "compress_out."),
    (r"fusion_block\.conv_first\.", "fusion.expand."),
    (r"fusion_block\.body\.(\d+)\.res\.", r"fusion.paths.\1.body."),
)
_RESIDUAL_KEYS = ((r"conv_block\.", "body."), (r"skip_layer\.", "skip."))


def _hourglass_keys(theirs: str, ours: str) -> list[tuple[str, str, _Names]]:
    """The authors count levels from the smallest (1) to the largest (4); ours count in the order of use."""
    rows: list[tuple[str, str, _Names]] = [(rf"{theirs}res_center\.", f"{ours}centre.", _RESIDUAL_KEYS)]
    for level in range(1, 5):
        rows.append((rf"{theirs}res{level}_1\.", f"{ours}skip.{4 - level}.", _RESIDUAL_KEYS))
        rows.append((rf"{theirs}res{level}_2\.", f"{ours}down.{4 - level}.", _RESIDUAL_KEYS))
        rows.append((rf"{theirs}res{level}_3\.", f"{ours}up.{level - 1}.", _RESIDUAL_KEYS))
    return rows


def _nested_hourglass_keys(theirs: str, ours: str) -> list[tuple[str, str, _Names]]:
    """mmagic's levels lie inside each other, the largest outermost."""
    rows: list[tuple[str, str, _Names]] = []
    inner = theirs
    for level in range(4):
        rows.append((rf"{inner}up1\.", f"{ours}skip.{level}.", _RESIDUAL_KEYS))
        rows.append((rf"{inner}low1\.", f"{ours}down.{level}.", _RESIDUAL_KEYS))
        rows.append((rf"{inner}low3\.", f"{ours}up.{3 - level}.", _RESIDUAL_KEYS))
        inner += r"low2\."
    return [*rows, (inner, f"{ours}centre.", _RESIDUAL_KEYS)]


_FLAT_GROUPS = ((2, "2.0"), (3, "2.1"), (5, "4.0"), (6, "4.1"), (8, "6.0"), (9, "6.1"), (10, "7.0"), (11, "7.1"))
_CLASSIFIER_KEYS = ((r"classifier\.0\.filter\.", "filter.", ()), (r"classifier\.2\.", "head.", ()))

_KEYS: dict[tuple[NetworkKind, Dialect], tuple[tuple[str, str, _Names], ...]] = {
    ("DIC network", "authors"): (
        (r"conv_in\.", "stem.conv.", ()),
        (r"first_block\.", "first_recovery.", _BLOCK_KEYS),
        (r"block\.", "recovery.", _BLOCK_KEYS),
        (r"out\.", "reconstruction.up.", ()),
        (r"conv_out\.0\.", "reconstruction.conv.", ()),
        (r"HG\.pre_conv_block\.0\.", "landmark.stem.0.", ()),
        (r"HG\.pre_conv_block\.(\d)\.", r"landmark.stem.\1.", _RESIDUAL_KEYS),
        (r"HG\.compress_in\.", "landmark.compress.", ()),
        *_hourglass_keys(r"HG\.hg\.", "landmark.hourglass."),
        (r"HG\.hg_conv_out\.0\.", "landmark.head.0.", _RESIDUAL_KEYS),
        (r"HG\.hg_conv_out\.1\.conv_block\.0\.", "landmark.head.1.", ()),
        (r"HG\.hg_conv_out\.2\.", "landmark.head.3.", ()),
    ),
    ("DIC network", "mmagic"): (
        (r"conv_first\.", "stem.conv.", ()),
        (r"first_block\.", "first_recovery.", _MMAGIC_BLOCK_KEYS),
        (r"block\.", "recovery.", _MMAGIC_BLOCK_KEYS),
        (r"conv_last\.([01])\.", r"reconstruction.up.\1.", ()),
        (r"conv_last\.2\.", "reconstruction.conv.", ()),
        (r"hour_glass\.pre_conv_block\.0\.", "landmark.stem.0.", ()),
        (r"hour_glass\.pre_conv_block\.(\d)\.", r"landmark.stem.\1.", _RESIDUAL_KEYS),
        (r"hour_glass\.first_conv\.", "landmark.compress.", ()),
        *_nested_hourglass_keys(r"hour_glass\.hg\.", "landmark.hourglass."),
        (r"hour_glass\.last\.0\.", "landmark.head.0.", _RESIDUAL_KEYS),
        (r"hour_glass\.last\.([13])\.", r"landmark.head.\1.", ()),
    ),
    ("stacked hourglass", "authors"): (
        (r"pre_conv_block\.([01])\.", r"stem.\1.", ()),
        (r"pre_conv_block\.(\d)\.", r"stem.\1.", _RESIDUAL_KEYS),
        *_hourglass_keys(r"hg(\d)\.", r"stacks.\1.hourglass."),
        (r"hg(\d)_res1\.", r"stacks.\1.residual.", _RESIDUAL_KEYS),
        (r"hg(\d)_lin1\.conv_block\.", r"stacks.\1.mix.", ()),
        (r"hg(\d)_conv_pred\.", r"stacks.\1.head.", ()),
        (r"hg(\d)_conv1\.", r"feedbacks.\1.from_features.", ()),
        (r"hg(\d)_conv2\.", r"feedbacks.\1.from_heatmaps.", ()),
    ),
    ("discriminator", "authors"): (
        (r"features\.0\.filter\.", "features.layers.0.filter.", ()),
        (r"features\.(\d)\.conv_a\.", r"features.layers.\1.0.", ()),
        (r"features\.(\d)\.conv\.", r"features.layers.\1.1.", ()),
        *_CLASSIFIER_KEYS,
    ),
    ("discriminator", "mmagic"): (
        (r"features\.0\.filter\.", "features.layers.0.filter.", ()),
        *((rf"features\.{flat}\.", f"features.layers.{group}.", ()) for flat, group in _FLAT_GROUPS),
        *_CLASSIFIER_KEYS,
    ),
}
# Parts that are stored on their own, too: the whole, and the part's prefix in their names and in ours.
_PARTS: dict[NetworkKind, tuple[NetworkKind, str, str]] = {
    "landmark branch": ("DIC network", "HG.", "landmark."),
    "LightCNN features": ("discriminator", "", "features."),
}


def rename_key(key: str, network: NetworkKind = "DIC network", dialect: Dialect = "authors") -> str:
    """Our name of a parameter.

    Args:
        key: their name.
        network: what it is a parameter of.
        dialect: who they are.

    Raises:
        CheckpointError: the key is none of theirs.
    """
    whole, their_prefix, our_prefix = _PARTS.get(network, (network, "", ""))
    full = their_prefix + key
    for pattern, replacement, inner in _KEYS.get((whole, dialect), ()):
        match = re.match(pattern, full)
        if match is None:
            continue
        head, tail = match.expand(replacement).removeprefix(our_prefix), full[match.end() :]
        for inner_pattern, inner_replacement in inner:
            renamed, count = re.subn(f"^{inner_pattern}", inner_replacement, tail)
            if count:
                return head + renamed
        if not inner:
            return head + tail
    owner = "mmagic's" if dialect == "mmagic" else "the authors'"
    raise CheckpointError(f"expected a parameter of {owner} {network}, got {key!r}; is this another network?")


def to_our_names(
    state: Mapping[str, Tensor], network: NetworkKind = "DIC network", dialect: Dialect = "authors"
) -> dict[str, Tensor]:
    """Rename a state dict, values untouched.

    Args:
        state: of one of their networks.
        network, dialect: see `rename_key`.

    Returns:
        A state dict for our network of the same kind.

    Raises:
        CheckpointError: a key is not one of theirs.
    """
    return {rename_key(key, network, dialect): value for key, value in state.items()}
