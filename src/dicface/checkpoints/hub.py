"""Weights in repositories of the Hugging Face hub (ADR 40)."""

import os
import re
from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from dicface.checkpoints.runs import BEST, FINISHED, LAST, PUBLISHED
from dicface.errors import OutputError, UnknownModelError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_WEIGHTS = (".safetensors", ".ckpt", ".pth", ".pt", ".onnx")


def is_hub_id(name: str | os.PathLike[str]) -> bool:
    """Whether a name can only be that of a repository: `owner/name`, and no path of this machine.

    A `pathlib` path, what ends like a file of weights, and what begins with a folder that exists are paths, even if
    they lead nowhere: a mistyped path is an error and not a download.

    >>> is_hub_id("someone/dicface-lite"), is_hub_id("lite"), is_hub_id("./someone/dicface-lite")
    (True, False, False)
    """
    if not isinstance(name, str) or not _HUB_ID.fullmatch(name) or name.endswith(_WEIGHTS):
        return False
    return not Path(name).exists() and not Path(name.partition("/")[0]).exists()


def download_weights(hub_id: str, *, revision: str | None = None) -> Path:
    """File with the weights of a repository. It alone is downloaded, unless the cache of `huggingface_hub` has it.

    Args:
        hub_id: `owner/name`.
        revision: branch, tag or commit; None for the main branch.

    Raises:
        UnknownModelError: no such repository or revision, none that may be read, no weights in it, or no connection.
    """
    try:
        return Path(hf_hub_download(hub_id, PUBLISHED, revision=revision))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise UnknownModelError(
            f"expected a repository of the hub with {PUBLISHED}, got {hub_id!r}"
            f"{f' at {revision!r}' if revision else ''}: {reason}"
        ) from error


def check_hub_folder(folder: str | os.PathLike[str]) -> None:
    """Check that saving for the hub would replace nothing of a training run, whose configuration has the same name.

    Raises:
        OutputError: the folder holds a run.
    """
    for name in ("run.json", FINISHED, BEST, LAST):
        if (Path(folder) / name).exists():
            raise OutputError(f"expected a folder of its own, {os.fspath(folder)!r} holds a training run ({name})")
