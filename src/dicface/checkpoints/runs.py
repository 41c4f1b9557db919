"""Folders of training runs, without torch."""

from pathlib import Path

FINISHED, BEST, LAST = "weights.safetensors", "best.ckpt", "last.ckpt"
PUBLISHED = "model.safetensors"
"""Weights in a folder of `DICNetwork.save_pretrained`, and in a repository of the hub."""


def weights_file(run: Path) -> Path:
    """File with the weights of a training run, or of a folder that was saved for the hub.

    Args:
        run: its folder: its finished weights count, or else its best checkpoint, or the last one. A file is that file.
    """
    if not run.is_dir():
        return run
    names = (FINISHED, BEST, LAST, PUBLISHED)
    return next((run / name for name in names if (run / name).exists()), run / names[0])
