"""Training runs without torch: their folders, and the configs that come with the package."""

from pathlib import Path

CONFIGS = Path(__file__).parent.parent / "configs"
"""Folder of the configs that come with the package."""
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


def shipped_configs() -> dict[str, Path]:
    """Files of the configs that come with the package, by name: `lite`, `paper/dic-celeba`."""
    return {path.relative_to(CONFIGS).with_suffix("").as_posix(): path for path in sorted(CONFIGS.rglob("*.toml"))}


def how_to_make(run: str | Path) -> str:
    """What an error adds about a missing run: the command that makes it; empty if it exists or no shipped config does.

    Args:
        run: path of its folder, or of a file in it. `dicface train paper/dic-celeba` writes to runs/dic-celeba.
    """
    path = Path(run)
    if len(path.parts) < 2 or path.is_file():
        return ""
    folders = (path.name, path.parent.name)
    makers = [config for config in shipped_configs() if config.split("/")[-1] in folders]
    return f"; `dicface train {makers[0]}` makes it" if makers else ""
