"""Names of parameters as mmagic has them."""


def mmagic_key(key: str) -> str:
    """mmagic's name of a parameter of the DIC network that the authors name `key`, as its modules nest."""
    block = {
        "compress_in": "conv_first",
        "upBlocks": "up_blocks",
        "downBlocks": "down_blocks",
        "uptranBlocks": "lr_blocks",
        "downtranBlocks": "hr_blocks",
        "compress_out": "conv_last",
        "fusion_block.conv_in": "fusion_block.conv_first",
        "fusion_block.resnet": "fusion_block.body",
    }
    whole = {
        "conv_in": "conv_first",
        "out": "conv_last",
        "conv_out.0": "conv_last.2",
        "HG.pre_conv_block": "hour_glass.pre_conv_block",
        "HG.compress_in": "hour_glass.first_conv",
        "HG.hg_conv_out.0": "hour_glass.last.0",
        "HG.hg_conv_out.1.conv_block.0": "hour_glass.last.1",
        "HG.hg_conv_out.2": "hour_glass.last.3",
        "HG.hg.res_center": "hour_glass.hg.low2.low2.low2.low2",
    }
    for level in range(1, 5):
        outer = "hour_glass.hg" + ".low2" * (4 - level)
        whole |= {f"HG.hg.res{level}_{n}": f"{outer}.{name}" for n, name in ((1, "up1"), (2, "low1"), (3, "low3"))}
    whole |= {
        f"{name}.{theirs}": f"{name}.{port}" for name in ("first_block", "block") for theirs, port in block.items()
    }
    return next(port + key[len(theirs) :] for theirs, port in whole.items() if key.startswith(f"{theirs}."))
