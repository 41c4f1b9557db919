"""Command about face crops: upscale."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dicface.cli.choices import parse_shard
from dicface.cli.jobs import batch_of
from dicface.cli.messages import Messages
from dicface.cli.options import (
    OUTPUT,
    BackendOption,
    FilesFrom,
    Jobs,
    KeepGps,
    LogJson,
    ModelOption,
    NoMark,
    Out,
    Overwrite,
    ProviderOption,
    Quiet,
    ShardOption,
    SharpnessOption,
    SkipExisting,
    StripMetadata,
    Threads,
    Uncertainty,
    Verbose,
)
from dicface.cli.piping import Pipes, listed
from dicface.cli.terminal import SOME_FAILED, Line, in_options, run

if TYPE_CHECKING:
    from dicface.images.inputs import Job


def upscale(
    faces: Annotated[
        list[Path] | None,
        typer.Argument(readable=False, help="Aligned square face crops of 8 to 64 px, or folders of them; - is stdin."),
    ] = None,
    *,
    out: Out,
    model: ModelOption = "lite",
    all_steps: Annotated[
        bool, typer.Option("--all-steps", help="Write all steps side by side.", rich_help_panel=OUTPUT)
    ] = False,
    landmarks: Annotated[
        bool, typer.Option("--landmarks", help="Draw the landmarks found.", rich_help_panel=OUTPUT)
    ] = False,
    consistent: Annotated[
        bool,
        typer.Option(
            "--consistent",
            help="Project results so that they reduce to their input exactly; for clean reductions only.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    strength: Annotated[
        float,
        typer.Option(min=0, max=1, help="0 gives the plain enlargement, 1 the model's face.", rich_help_panel=OUTPUT),
    ] = 1,
    sharpness: SharpnessOption = None,
    uncertainty: Uncertainty = False,
    backend: BackendOption = "auto",
    provider: ProviderOption = "auto",
    strip_metadata: StripMetadata = False,
    keep_gps: KeepGps = False,
    no_mark: NoMark = False,
    files_from: FilesFrom = None,
    shard: ShardOption = "0/1",
    jobs: Jobs = 1,
    threads: Threads = None,
    quiet: Quiet = False,
    log_json: LogJson = False,
    verbose: Verbose = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = None,
) -> None:
    """Super-resolve aligned face crops to 128x128, or to 256x256 with the model lite-256."""
    from dicface.restoration.files import upscale_file
    from dicface.restoration.output import Output
    from dicface.restoration.settings import upscale_digest
    from dicface.runtime.face_model import FaceModel
    from dicface.runtime.model_files import chosen_sharpness

    pipes = Pipes(listed(faces, files_from), out, maps=uncertainty)
    messages = Messages(quiet=quiet, log_json=log_json, keep_stdout_free=pipes.to_stdout)
    batch = batch_of(
        pipes,
        maps=uncertainty,
        overwrite=overwrite,
        skip_existing=skip_existing,
        shard=parse_shard(shard),
        workers=jobs or 1,
        mark=not no_mark,
    )
    network = FaceModel(
        model,
        backend=backend,
        provider=provider,
        threads=threads,
        sharpness=chosen_sharpness(model, sharpness, backend=backend),
    )
    if verbose:
        messages.note(network.how_it_runs)
    output = Output(
        mark=not no_mark, metadata=not strip_metadata, gps=keep_gps, landmarks=landmarks, overwrite=overwrite
    )

    def work(job: "Job") -> Line:
        result = upscale_file(
            job.source,
            job.target,
            model=network,
            all_steps=all_steps,
            consistent=consistent,
            strength=strength,
            output=batch.output_of(job, output),
        )
        return Line(f"{pipes.name(job.source)}: {in_options(result.sentence)} -> {pipes.name(job.target)}")

    digest = upscale_digest(
        network.sha256,
        sharpness=network.sharpness,
        all_steps=all_steps,
        consistent=consistent,
        strength=strength,
        output=output,
    )
    with batch.claims() as claims:
        tally = run(
            batch.jobs(), work, messages=messages, name=pipes.name, what="faces", **batch.running(digest, claims)
        )
    batch.say_left_out(messages)
    pipes.deliver()
    if tally.failed:
        raise typer.Exit(SOME_FAILED)
