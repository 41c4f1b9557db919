"""Provenance of a run: files, command, code, libraries and machine."""

import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

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


def describe_files(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Name, size and SHA-256 of files, JSON-ready."""
    return [{"file": path.name, "bytes": path.stat().st_size, "sha256": file_digest(path)} for path in paths]


def describe_start(command: Sequence[str], device: torch.device, processes: int) -> dict[str, Any]:
    """Command, code, libraries and machine with which a run was started or resumed.

    Args:
        command: the command line.
        device: device of this process.
        processes: number of processes of the run.

    Returns:
        JSON-ready.
    """
    return {
        "command": list(command),
        "commit": source_commit(),
        "dicface": version("dicface"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processes": processes,
    }
