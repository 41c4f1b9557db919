"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from dicface.faces.names import DetectorName
from dicface.runtime.models import embedded_models
from dicface.runtime.providers import BackendName, ProviderName

FACES, MODEL, MEASURES, SPLIT, OUTPUT, BATCH = "Faces", "Model", "Measures", "Split", "Output", "Batches"
"""Panels of the help."""


def complete_model(incomplete: str) -> list[str]:
    """Complete the name of an embedded model. Without one, shells complete files."""
    return [name for name in embedded_models("restoration") if name.startswith(incomplete)]


def complete_any_model(incomplete: str) -> list[str]:
    """Complete the name of an embedded model of any kind."""
    return [name for name in embedded_models() if name.startswith(incomplete)]


def complete_upscaler(incomplete: str) -> list[str]:
    """Complete the name of an embedded model or of a plain enlargement."""
    return [name for name in (*complete_model(""), "bicubic", "lanczos") if name.startswith(incomplete)]


Out = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        help="Output folder; or output file for one input, ending in an image's suffix; - is stdout.",
        rich_help_panel=OUTPUT,
    ),
]
OptionalOut = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="Output folder; or output file for one input, ending in an image's suffix. Not needed with --preview.",
        rich_help_panel=OUTPUT,
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        help="Name of an embedded model (see `dicface models`), a model file or a run's folder.",
        autocompletion=complete_model,
        rich_help_panel=MODEL,
    ),
]
UpscalerOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="Name of an embedded model, bicubic, lanczos, or a file: one of ours, any ONNX with an image in and an "
        "image out, weights of any network that spandrel knows (.safetensors, .pth), or a run's folder.",
        autocompletion=complete_upscaler,
        rich_help_panel=MODEL,
    ),
]
BackendOption = Annotated[BackendName, typer.Option("--backend", help="What runs the model.", rich_help_panel=MODEL)]
ProviderOption = Annotated[
    ProviderName,
    typer.Option(
        "--provider",
        help="Processor of ONNX Runtime, and of torch (cpu or cuda). auto takes that of DICFACE_PROVIDER, else a GPU "
        "that ONNX Runtime has, else the CPU.",
        rich_help_panel=MODEL,
    ),
]
DetectorOption = Annotated[
    DetectorName,
    typer.Option(
        "--detector",
        help="face, or with the extra dlib: dlib, dlib-fast (faces from 40 px), dlib-thorough (slow).",
        rich_help_panel=FACES,
    ),
]
StripMetadata = Annotated[
    bool,
    typer.Option("--strip-metadata", help="Leave out EXIF, XMP and profile of the source.", rich_help_panel=OUTPUT),
]
KeepGps = Annotated[
    bool, typer.Option("--keep-gps", help="Keep the place where the photo was taken.", rich_help_panel=OUTPUT)
]
NoMark = Annotated[
    bool,
    typer.Option("--no-mark", help="Do not say in the result that a network made parts of it.", rich_help_panel=OUTPUT),
]
Uncertainty = Annotated[
    bool,
    typer.Option(
        "--uncertainty",
        help="Also write a map of the expected error, NAME.uncertainty.png.",
        rich_help_panel=OUTPUT,
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Say on stderr what runs the model, and why.", rich_help_panel=MODEL)
]
FilesFrom = Annotated[
    Path | None,
    typer.Option(
        "--files-from",
        metavar="LIST",
        help="Also the files that LIST names, one a line; - is stdin.",
        rich_help_panel=BATCH,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say only what failed.", rich_help_panel=BATCH)]
LogJson = Annotated[
    bool,
    typer.Option("--log-json", help="Say everything as JSON objects, a line each, on stderr.", rich_help_panel=BATCH),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that exist already.", rich_help_panel=OUTPUT)
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Continue a stopped batch: skip inputs whose results exist, whatever settings made them. With "
        "--overwrite, existing files of the others are replaced.",
        rich_help_panel=BATCH,
    ),
]
