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
    """Names of embedded models that begin so; a shell that finds none completes files."""
    return [name for name in embedded_models("restoration") if name.startswith(incomplete)]


def complete_upscaler(incomplete: str) -> list[str]:
    """As `complete_model`, with the plain enlargements."""
    return [name for name in (*complete_model(""), "bicubic", "lanczos") if name.startswith(incomplete)]


Out = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        help="Output folder; or output file for one input, ending in an image's suffix.",
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
        help="Name of an embedded model (see `dicface models`) or a model file.",
        autocompletion=complete_model,
        rich_help_panel=MODEL,
    ),
]
UpscalerOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="Name of an embedded model, bicubic, lanczos, or a file: one of ours, any ONNX with an image in and an "
        "image out, or weights of any network that spandrel knows (.safetensors, .pth).",
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
        help="Also write how far each pixel may be off, NAME.uncertainty.png.",
        rich_help_panel=OUTPUT,
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Say on stderr what runs the model, and why.", rich_help_panel=MODEL)
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that exist already.", rich_help_panel=OUTPUT)
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Go on with a stopped batch: leave out inputs whose results are there, whatever settings made them. With "
        "--overwrite, what is there of the others is replaced.",
        rich_help_panel=BATCH,
    ),
]
