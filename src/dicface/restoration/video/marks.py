"""The mark of a restored clip: a comment that says what made it, and with which settings."""

import re
from pathlib import Path

import av
from av.error import FFmpegError

from dicface.images.xmp import Provenance
from dicface.version import __version__

_SETTINGS = re.compile(r"dicface .*settings ([0-9a-f]{64})")


def mark_of(provenance: Provenance) -> str:
    """The comment of a result.

    Args:
        provenance: of the result.
    """
    return (
        f"faces restored by a neural network: dicface {__version__}, model {provenance.model} "
        f"{provenance.model_sha256}, settings {provenance.settings_sha256}, {provenance.source_type}"
    )


def stated_clip_digest(path: Path) -> str:
    """The digest of the settings that a clip states in its comment; empty if it states none."""
    try:
        with av.open(str(path), "r", metadata_errors="replace") as container:
            said = {name.lower(): text for name, text in container.metadata.items()}
    except (FFmpegError, ValueError):
        return ""
    found = _SETTINGS.search(said.get("comment", ""))
    return found[1] if found else ""
