"""What a run was made from, written beside its weights."""

import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from dicface.data.packs import pack_files
from dicface.files import file_digest


def source_commit() -> str | None:
    """Commit of the checkout that the code runs from, with `+changes` if files differ from it; None outside one."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if git("ls-files", Path(__file__).name) == "":  # a checkout of something else around an installed package
            return None
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--", str(here.parent)) else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def describe_start(command: Sequence[str], packs: Sequence[Path], faces: int, device: str) -> dict[str, Any]:
    """Code, libraries, data and command with which a run was started or resumed.

    Args:
        command: the words that started it.
        packs: files or folders of packs that it learns from.
        faces: how many were read from them.
        device: that it runs on, in words.

    Returns:
        JSON-ready; data files by name, size and SHA-256.
    """
    return {
        "command": list(command),
        "commit": source_commit(),
        "dicface": version("dicface"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": device,
        "faces": faces,
        "data": [
            {"file": path.name, "bytes": path.stat().st_size, "sha256": file_digest(path)} for path in pack_files(packs)
        ],
    }
