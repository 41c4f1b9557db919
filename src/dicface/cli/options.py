"""Options that several commands have."""

import os
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from dicface.batches.names import SkipMode
from dicface.errors import UsageError
from dicface.faces.names import DetectorName
from dicface.runtime.models import DEFAULT_SHARPNESS, embedded_models
from dicface.runtime.providers import BackendName, ProviderName

FACES, MODEL, MEASURES, SPLIT, OUTPUT, CLIPS, BATCH = (
    "Faces",
    "Model",
    "Measures",
    "Split",
    "Output",
    "Clips",
    "Batches",
)
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
        readable=False,
        help="Output folder; or output file for one input, ending in an image's suffix; - is stdout.",
        rich_help_panel=OUTPUT,
    ),
]
OptionalOut = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        readable=False,
        help="Output folder; or output file for one input, with a suffix of its kind. Not needed with --preview.",
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
SharpnessOption = Annotated[
    float | None,
    typer.Option(
        "--sharpness",
        min=0,
        max=1,
        help="0 keeps to what the input shows; up to 1, more detail is added, and more of it is invented. By default "
        f"{DEFAULT_SHARPNESS:g} where the model has a sharp twin.",
        rich_help_panel=MODEL,
    ),
]
MeasuredSharpnessOption = Annotated[
    float,
    typer.Option("--sharpness", min=0, max=1, help="Of the model, see `dicface restore`.", rich_help_panel=MODEL),
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
        readable=False,
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
    SkipMode | None,
    typer.Option(
        "--skip-existing",
        metavar="[=any]",
        help="Continue a stopped batch, or share a folder with other calls: skip inputs whose results exist and were "
        "made with the same settings, by what they say. =any skips all whose results exist. With --overwrite, results "
        "of other settings are replaced.",
        rich_help_panel=BATCH,
    ),
]
ShardOption = Annotated[
    str,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Do one of N parts of the inputs, I from 0 to N - 1, chosen by a hash of the relative path.",
        rich_help_panel=BATCH,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        help="Inputs worked on at a time; one more than there are cores, at most 4, if left out.",
        rich_help_panel=BATCH,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        help="Threads of each network; as many as cores if left out.",
        rich_help_panel=BATCH,
    ),
]


class SkippingCommand(TyperCommand):
    """A command with `--skip-existing`, which may stand alone and never takes the argument that follows it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare `--skip-existing` its value before the arguments are parsed."""
        end = args.index("--") if "--" in args else len(args)
        options = [f"{each}=settings" if each == "--skip-existing" else each for each in args[:end]]
        return super().parse_args(ctx, options + args[end:])


class CommandGroup(TyperGroup):
    """The commands. A photo in place of one is answered with the command for it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first argument names.

        Raises:
            UsageError: it names a photo, a clip, or anything that is there, instead.
        """
        known = ctx.resilient_parsing or not args or self.get_command(ctx, args[0]) is not None
        if not known and (result := _result_name(args[0])):
            call = f"dicface restore {quote(args[0])} -o {quote(result)}"
            raise UsageError(f"expected a command, got {args[0]!r}; to restore it: {call}")
        return super().resolve_command(ctx, args)


def _result_name(name: str) -> str:
    """A name for the result of a photo, a clip, a folder or another file; empty if a name is that of none."""
    # Only a wrong call loads what knows the suffixes.
    from dicface.images.inputs import is_media, target_below

    if os.path.isdir(name):  # noqa: PTH112 - an empty argument is no folder
        return "restored"
    if not is_media(name) and not os.path.exists(name):  # noqa: PTH110 - nor is it a file
        return ""
    return target_below(Path(), Path("restored").with_suffix(Path(name).suffix)).name
