"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[
    Path, typer.Option("--out", "-o", help="Output folder; or output file for one input, ending in an image's suffix.")
]
ModelOption = Annotated[str, typer.Option(help="Name of an embedded model (see `dicface models`) or a model file.")]
UpscalerOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="Name of an embedded model, bicubic, lanczos, or a file: one of ours, any ONNX with an image in and an "
        "image out, or weights of any network that spandrel knows (.safetensors, .pth).",
    ),
]
BackendOption = Annotated[str, typer.Option(help="auto, onnxruntime, openvino or torch.")]
StripMetadata = Annotated[bool, typer.Option("--strip-metadata", help="Leave out EXIF, XMP and profile of the source.")]
KeepGps = Annotated[bool, typer.Option("--keep-gps", help="Keep the place where the photo was taken.")]
NoMark = Annotated[bool, typer.Option("--no-mark", help="Do not say in the result that a network made parts of it.")]
Uncertainty = Annotated[
    bool, typer.Option("--uncertainty", help="Also write how far each pixel may be off, NAME.uncertainty.png.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say on stderr what runs the model, and why.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist already.")]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Go on with a stopped batch: leave out inputs whose results are there, whatever settings made them. With "
        "--overwrite, what is there of the others is replaced.",
    ),
]
