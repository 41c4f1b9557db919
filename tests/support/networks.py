"""Small networks for tests."""

from torch import nn

from dicface.networks.dic import DICConfig

FEEDBACK = DICConfig(
    stem="any-size", steps=3, features=32, groups=3, projection_stride=2, fusion_blocks=2, hourglass_width=64
)
"""The paper's recovery branch for crops of any size, as small as `ablation` has it."""
TINY = DICConfig(
    stem="any-size", steps=2, features=4, groups=2, projection_stride=2, fusion_blocks=1, hourglass_width=8
)
TINY_U = DICConfig(
    stem="any-size",
    recovery="u",
    steps=2,
    features=4,
    trunk_width=8,
    trunk_blocks=1,
    consistency=True,
    hourglass_width=8,
    attention="concatenation",
)


def bend(network: nn.Module) -> None:
    """Give every activation of a network a slope of its own."""
    for module in network.modules():
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, -0.3, 0.5)
