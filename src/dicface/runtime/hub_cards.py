"""Model cards in the form of the Hugging Face hub: README.md with metadata in YAML (ADR 40)."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dicface.errors import OutputError
from dicface.files import written_whole
from dicface.runtime.cards import (
    FeaturesResult,
    FinderResult,
    Kind,
    LandmarkResult,
    ModelCard,
    PublishedQuality,
    RestorationResult,
    SharpResult,
)
from dicface.runtime.models import find_model

_PIPELINES: dict[Kind, str] = {
    "restoration": "image-to-image",
    "landmarks": "keypoint-detection",
    "finder": "object-detection",
    "features": "image-feature-extraction",
    "sharp": "image-to-image",
}
_TASKS: dict[Kind, str] = {
    "restoration": "Face super-resolution",
    "landmarks": "Facial landmarks",
    "finder": "Face detection",
    "features": "Face verification",
    "sharp": "Face super-resolution",
}
_PAPER = "https://arxiv.org/abs/2003.13063"
_LIMITS: dict[Kind, str] = {
    "restoration": "The input is an aligned crop of one face, {smallest} to {largest} px on a side; other sizes were "
    "not measured. What the crop does not show is taken from the faces of the training data: two "
    "different people can have the same crop. The training data are mostly press photos of "
    "celebrities, and faces that they show less are restored worse. A result is no evidence of who "
    "somebody is.",
    "landmarks": "The input is an aligned crop of one sharp face of 128 px. Faces unlike those of the training "
    "data are located worse.",
    "finder": "Faces that the training data show less are found less often, and some detections are no faces. "
    "The score is no probability unless it is calibrated.",
    "sharp": "Much of the detail that it adds is invented: it looks like that of a face, and is not that of this one. "
    "It goes with one file of the faithful network, to the byte.",
    "features": "The input is an aligned crop of one face of 128 px. It separates identities a little, which is "
    "enough to compare restorations and not to tell who somebody is.",
}
_USES: dict[Kind, str] = {
    "restoration": """```python
from dicface import Restorer
from dicface.networks.dic import DICNetwork

Restorer("{onnx}").restore("photo.jpg").save("restored.png")  # finds the faces, needs no torch
network = DICNetwork.from_pretrained("OWNER/{name}")  # in torch: the id of this repository
```""",
    "landmarks": """```python
from dicface import LandmarkModel

model = LandmarkModel("{onnx}")  # (N, 128, 128, 3) uint8 crops to (N, 68, 2) points
```""",
    "finder": "`dicface` finds faces with this model when it restores photos; it is embedded there.",
    "sharp": "`Restorer(sharpness=0.5)` of `dicface` adds half of these differences to the faithful network's weights.",
    "features": "`dicface evaluate` compares restored faces with this model: identity similarity.",
}


def _front_matter(fields: Mapping[str, Any]) -> str:
    """Metadata between lines of dashes: one key a line, its value in JSON, which is YAML."""
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())
    return "\n".join(("---", *lines, "---"))


def _metric(kind: str, name: str, value: float) -> dict[str, Any]:
    return {"type": kind, "name": name, "value": value}


def _quality_metrics(protocol: str, scores: PublishedQuality) -> list[dict[str, Any]]:
    return [
        _metric("psnr", f"PSNR in dB, {protocol}", scores.psnr),
        _metric("ssim", f"SSIM, {protocol}", scores.ssim),
    ]


def _measured(card: ModelCard) -> Iterable[tuple[str, str, list[dict[str, Any]]]]:
    """Name of a data set, what was taken of it, and its metrics."""
    for row in card.results:
        match row:
            case RestorationResult():
                each = [_quality_metrics(name, scores) for name, scores in row.protocols.items()]
                taken = f"{card.numbers_faces} faces, crops of {row.lr_size} px"
                yield card.numbers_data, taken, [metric for metrics in each for metric in metrics]
            case LandmarkResult():
                metrics = [_metric("nme", f"normalised mean error by {by}", value) for by, value in row.nrmse.items()]
                yield row.data, f"{row.n} faces", metrics
            case FinderResult():
                taken = f"{row.n} faces in {row.scenes} scenes put together of them"
                yield row.data, taken, [_metric("average_precision", "Average precision", row.average_precision)]
            case SharpResult():
                taken = f"{card.numbers_faces} faces, crops of {row.lr_size} px, sharpness {row.sharpness:g}"
                detail = _metric("detail", "Detail as a share of that of real faces", row.detail)
                yield card.numbers_data, taken, [_metric("psnr", "PSNR in dB", row.psnr), detail]
            case FeaturesResult():
                taken = f"{row.n} faces of {row.identities} identities"
                yield row.data, taken, [_metric("roc_auc", "Verification AUC", row.auc)]


def _results(card: ModelCard) -> list[dict[str, Any]]:
    task = {"type": _PIPELINES[card.kind], "name": _TASKS[card.kind]}
    return [
        {"task": task, "dataset": {"type": Path(data).stem, "name": f"{data}: {taken}"}, "metrics": metrics}
        for data, taken, metrics in _measured(card)
    ]


def _metadata(card: ModelCard) -> dict[str, Any]:
    licence = "non-commercial-research" if "non-commercial research" in card.licence else "see-licence-file"
    return {
        "library_name": "dicface",
        "pipeline_tag": _PIPELINES[card.kind],
        "license": "other",
        "license_name": licence,
        "license_link": "LICENSE",
        "tags": ["dicface", "face", *(["onnx"] if ".onnx" in card.sha256 else []), "arxiv:2003.13063"],
        "model-index": [{"name": card.name, "results": _results(card)}],
    }


def _quality_table(card: ModelCard) -> str:
    """PSNR and SSIM of a network that restores faces, bicubic beside it."""
    rows = [
        f"| {row.lr_size} px | {protocol} | {scores.bicubic_psnr:.2f} / {scores.bicubic_ssim:.4f} "
        f"| {scores.psnr:.2f} / {scores.ssim:.4f} |"
        for row in card.results
        if isinstance(row, RestorationResult)
        for protocol, scores in row.protocols.items()
    ]
    head = f"{card.numbers_faces} faces of {card.numbers_data}; PSNR in dB / SSIM, means."
    return "\n".join((head, "", f"| crop | protocol | bicubic | {card.name} |", "|---|---|---|---|", *rows))


def _numbers(card: ModelCard) -> str:
    if card.kind == "restoration":
        return _quality_table(card)
    rows = [
        f"| {data}: {taken} | {metric['name']} | {metric['value']:g} |"
        for data, taken, metrics in _measured(card)
        for metric in metrics
    ]
    return "\n".join(("| measured on | metric | value |", "|---|---|---|", *rows))


def _limits(card: ModelCard) -> str:
    sizes = [row.lr_size for row in card.results if isinstance(row, RestorationResult)] or [0]
    return _LIMITS[card.kind].format(smallest=min(sizes), largest=max(sizes))


def hub_card(card: ModelCard) -> str:
    """README.md of a model on the hub: metadata with every published number, use, limits, data and licence.

    Args:
        card: of an embedded model.

    Returns:
        Markdown that begins with metadata in YAML.
    """
    use = _USES[card.kind].format(name=card.name, onnx="model.onnx")
    unit = "megapixel" if card.kind == "finder" else "face"
    packs = "\n".join(f"- {pack.file}: {pack.faces} faces, sha256 `{pack.sha256}`" for pack in card.data)
    files = "\n".join(f"- `model{suffix}`: sha256 `{digest}`" for suffix, digest in card.sha256.items())
    commands = "\n".join(card.command)
    return f"""{_front_matter(_metadata(card))}

# {card.name}

{card.description}

{card.parameters / 1e6:.2f} million parameters, {card.gflop:g} GFLOP a {unit}. The method is that of
[Deep Face Super-Resolution with Iterative Collaboration]({_PAPER}).

{use}

## What it is for

{card.use}

## Limits

{_limits(card)}

## Numbers

{_numbers(card)}

## Training

{packs}

{card.samples} samples; {card.hardware}; commit {card.commit}.

```text
{commands}
```

## Files

{files}

`card.json` holds all of this for programs.

## Licence

{card.licence}
"""


def network_card(config: Mapping[str, Any], *, parameters: int) -> str:
    """README.md of a network of which nothing but its configuration is known.

    Args:
        config: of a `DICNetwork`.
        parameters: how many it has.

    Returns:
        Markdown that begins with metadata in YAML, without a licence and without numbers.
    """
    metadata = {
        "library_name": "dicface",
        "pipeline_tag": _PIPELINES["restoration"],
        "tags": ["dicface", "face", "arxiv:2003.13063"],
    }
    settings = "\n".join(f"| {name} | {value} |" for name, value in config.items())
    return f"""{_front_matter(metadata)}

# A face super-resolution network

{parameters / 1e6:.2f} million parameters; the method is that of
[Deep Face Super-Resolution with Iterative Collaboration]({_PAPER}).

```python
from dicface.networks.dic import DICNetwork

network = DICNetwork.from_pretrained("OWNER/NAME")  # the id of this repository
```

## To be added by the author

Licence, training data, and numbers with their protocol (`dicface evaluate`). Until they stand here, nothing is known of
them.

## Limits

A restored face is an estimate and no evidence of who somebody is.

## Configuration

| setting | value |
|---|---|
{settings}
"""


def write_hub_folder(card: ModelCard, folder: Path) -> list[Path]:
    """Write what a repository of the hub holds for an embedded model.

    Args:
        card: of the model.
        folder: where; created if missing, and empty otherwise.

    Returns:
        The files: README.md, LICENSE, card.json, config.json and the model's own as `model.*`.

    Raises:
        OutputError: the folder is not empty, or cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(f"expected an empty or a new folder, got {str(folder)!r}")
    whole = card.as_json()
    texts = {
        "README.md": hub_card(card),
        "LICENSE": f"{card.licence}\n",
        "card.json": json.dumps(whole, indent=2) + "\n",
        "config.json": json.dumps(whole["network"], indent=2) + "\n",
    }
    written: list[Path] = []
    for suffix in card.sha256:
        with written_whole(folder / f"model{suffix}") as part:
            shutil.copyfile(find_model(card.name, suffix, card.kind), part)
        written.append(folder / f"model{suffix}")
    for name, text in texts.items():
        with written_whole(folder / name) as part:
            part.write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written
