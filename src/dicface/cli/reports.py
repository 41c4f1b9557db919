"""Commands about reports: report merge."""

from pathlib import Path
from typing import Annotated

import typer

from dicface.cli.options import OUTPUT, Overwrite
from dicface.cli.terminal import check_free

reports = typer.Typer(no_args_is_help=True, help="Work with the reports of batches.")


@reports.callback()
def report() -> None:
    """Work with the reports of batches."""


@reports.command()
def merge(
    files: Annotated[
        list[Path], typer.Argument(readable=False, help="Reports as JSON lines, in the order in which they were made.")
    ],
    *,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", readable=False, help="The merged report, as JSON lines.", rich_help_panel=OUTPUT),
    ],
    overwrite: Overwrite = False,
) -> None:
    """Merge the reports of shards and of repeated calls into one with a line for each photo."""
    from dicface.batches.report_lines import merge_reports
    from dicface.cli.messages import say, tell
    from dicface.files import real_path

    check_free(out, overwrite=overwrite, inputs=set(map(real_path, files)))
    merged = merge_reports(files, out)
    tell(f"{merged.done} done, {merged.skipped} skipped, {merged.failed} failed -> {out}")
    if merged.damaged:
        say(f"passed over {merged.damaged} lines that are no rows, such as one that was cut off")
