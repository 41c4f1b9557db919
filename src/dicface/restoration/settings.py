"""Digests of settings, by which a result says how it was made (ADR 39)."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from dicface.faces.geometry import Box
from dicface.images.photo import read_packet
from dicface.restoration.choice import Strength, checked_boxes
from dicface.restoration.output import Output
from dicface.restoration.restorer import Restorer
from dicface.restoration.scale import Scale

STATELESS = (".bmp",)
"""Suffixes of formats that hold no metadata, so that results in them state no settings."""
_STATED = re.compile(rb"SettingsSHA256(?:=[\"']|>)([0-9a-f]{64})")


def restore_digest(
    restorer: Restorer,
    *,
    scale: Scale = "auto",
    boxes: Sequence[Box] | None = None,
    only_boxes: bool = False,
    strength: Strength = 1.0,
    min_face: float | None = None,
    max_face: float | None = None,
    faces: Collection[int] | None = None,
    adaptive: bool = True,
    force: bool = False,
    passes: int = 2,
    output: Output | None = None,
) -> str:
    """SHA-256 in hex of all settings that decide about the result of `restore_file`.

    Settings that mean the same have the same digest. Threads, backend, processor and version are not among them.

    Args:
        restorer: its models and its detector.
        scale, boxes, only_boxes, strength, min_face, max_face, faces, adaptive, force, passes, output: see
            `restore_file`.
    """
    strengths = dict(strength) if isinstance(strength, Mapping) else {None: strength}
    default = float(strengths.pop(None, 1.0))
    by_number = {str(number): float(share) for number, share in strengths.items()}
    return _digest(
        {
            **restorer.settings,
            "scale": scale if isinstance(scale, str) else float(scale),
            "boxes": [list(box) for box in checked_boxes(boxes)],
            "only_boxes": only_boxes,
            "strength": [default, by_number],
            "sizes": [None if size is None else float(size) for size in (min_face, max_face)],
            "faces": None if faces is None else sorted(set(faces)),
            "adaptive": adaptive,
            "force": force,
            "passes": passes,
            **_output_settings(output),
        }
    )


def video_digest(
    restore_sha256: str, *, codec: str | None, crf: float | None, start_s: float, end_s: float | None
) -> str:
    """SHA-256 in hex of all settings that decide about the result of `Restorer.restore_video`.

    Args:
        restore_sha256: the `restore_digest` of the same call.
        codec, crf, start_s, end_s: see `Restorer.restore_video`.
    """
    return _digest({"restore": restore_sha256, "codec": codec, "crf": crf, "start_s": start_s, "end_s": end_s})


def upscale_digest(
    model_sha256: str,
    *,
    sharpness: float = 0.0,
    all_steps: bool,
    consistent: bool,
    strength: float,
    output: Output | None,
) -> str:
    """SHA-256 in hex of all settings that decide about the result of `upscale_file`.

    Args:
        model_sha256, sharpness: of the model.
        all_steps, consistent, strength, output: see `upscale_file`.
    """
    return _digest(
        {
            "model": model_sha256,
            "sharpness": sharpness,
            "all_steps": all_steps,
            "consistent": consistent,
            "strength": float(strength),
            **_output_settings(output),
        }
    )


def _output_settings(output: Output | None) -> dict[str, Any]:
    output = output or Output()
    return {"metadata": output.metadata, "gps": output.gps, "landmarks": output.landmarks}


def _digest(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def stated_digest(file: Path | IO[bytes]) -> str:
    """The digest that a result states in its metadata; empty if it states none or is no image."""
    found = _STATED.search(read_packet(file))
    return found[1].decode() if found else ""
