"""The command restore at addresses and in an engine."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dicface.cli.jobs import UNMARKED
from dicface.cli.messages import Messages
from dicface.cli.options import BATCH
from dicface.cli.terminal import SOME_FAILED, ended_in_order, in_options
from dicface.errors import UsageError

if TYPE_CHECKING:
    from dicface.batches.callables import RestoreBatch
    from dicface.batches.names import SkipMode
    from dicface.batches.report_lines import LinesReport
    from dicface.batches.report_parquet import ParquetReport
    from dicface.batches.stored import StoreWork
    from dicface.batches.stored_photos import StoredPhoto
    from dicface.images.inputs import Shard

EngineName = Literal["none", "ray"]
EngineOption = Annotated[
    EngineName,
    typer.Option(help="none works in this process; ray on a cluster (extra ray).", rich_help_panel=BATCH),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        help="Cluster of --engine ray, such as auto or ray://HOST:10001; one on this machine if left out.",
        rich_help_panel=BATCH,
    ),
]
Concurrency = Annotated[
    str,
    typer.Option(metavar="LEAST,GREATEST", help="Actors of --engine ray, one for a core each.", rich_help_panel=BATCH),
]
_TABLE = ".parquet"


@dataclass(frozen=True)
class PlacedCall:
    """A call whose inputs or output are addresses, or that runs in an engine.

    Attributes:
        inputs: addresses or paths.
        out: of the output folder.
        engine: none works in this process.
        ray_address: of the cluster; None starts one on this machine.
        concurrency: least and greatest number of Ray's actors, as it was given.
        shard: part of the photos.
        jobs: photos at a time in this process.
        skip: which existing results are skipped.
        overwrite: others are replaced.
        report: file of JSON lines, or folder of Parquet files; None for none.
        report_landmarks: with landmarks in the report.
        preview: a preview was asked for, which is refused.
        mark: results say how they were made.
    """

    inputs: Sequence[str]
    out: str
    engine: EngineName
    ray_address: str | None
    concurrency: str
    shard: "Shard"
    jobs: int
    skip: "SkipMode | None"
    overwrite: bool
    report: Path | None
    report_landmarks: bool
    preview: bool
    mark: bool

    def __post_init__(self) -> None:
        from dicface.images.photo import WRITE_SUFFIXES

        if self.preview:
            raise UsageError("expected paths of this machine and no --engine with --preview, got another")
        if self.skip == "settings" and not self.mark:
            raise UsageError(UNMARKED)
        if PurePosixPath(self.out.partition("?")[0]).suffix.lower() in WRITE_SUFFIXES:
            raise UsageError(f"expected a folder as the output at an address or with --engine, got {self.shown_out!r}")
        if self.engine == "none" and self.ray_address is not None:
            raise UsageError("expected --engine ray with --ray-address, got none")
        tables = [place for place in self.inputs if place.endswith(_TABLE)]
        if tables and (self.engine != "ray" or len(self.inputs) > 1):
            from dicface.batches.storage import Store

            shown = Store(tables[0]).shown("")
            raise UsageError(f"expected --engine ray and one input with a Parquet table, got {shown!r}")

    @property
    def shown_out(self) -> str:
        """The output without credentials and settings."""
        from dicface.batches.storage import Store

        return Store(self.out).shown("")

    @property
    def table(self) -> str:
        """The Parquet table that is the input; empty if photos are."""
        return self.inputs[0] if self.inputs[0].endswith(_TABLE) else ""


def places(inputs: Sequence[Path], out: Path, engine: EngineName) -> tuple[list[str], str] | None:
    """Inputs and output as texts, paths absolute; None where all are paths and there is no engine."""
    from dicface.batches.storage import as_place, is_address

    *named, target = [
        place if is_address(place) else str(Path(place).absolute()) for place in map(as_place, [*inputs, out])
    ]
    return (named, target) if engine != "none" or any(map(is_address, [*named, target])) else None


def _check_extras(engine: EngineName) -> None:
    """Check before any work that what reads addresses and runs the engine is installed.

    Raises:
        UsageError: it is not.
    """
    if engine == "ray" and (find_spec("ray") is None or find_spec("pyarrow") is None):
        raise UsageError("the engine ray needs the extra ray; pip install 'dicface[ray]'")
    if find_spec("pyarrow") is None:
        raise UsageError("addresses need the cloud extra; pip install 'dicface[cloud]'")


def restore_placed(call: PlacedCall, batch: "RestoreBatch", messages: Messages) -> None:
    """Restore photos at addresses or in an engine, and say what comes of each."""
    from dicface.batches.storage import Store
    from dicface.batches.stored import StoreWork

    _check_extras(call.engine)
    pool = parse_concurrency(call.concurrency)
    report = _report(call.report)
    batch.opened()  # an unknown model is told before any photo
    Store(call.out).check_writable()
    work = StoreWork(
        batch,
        call.out,
        skip=call.skip,
        overwrite=call.overwrite,
        landmarks=call.report_landmarks,
        look_again=call.engine == "none",
    )
    counts = dict.fromkeys(("done", "skipped", "failed"), 0)
    with ended_in_order():
        if report is not None:
            report.__enter__()

        def take(row: dict[str, Any]) -> None:
            counts[row["outcome"]] += 1
            if report is not None:
                report.append(row)
            _say(row, messages)

        try:
            with closing(_rows(call, work, pool, take, progress=not messages.quiet)) as rows:
                for row in rows:
                    take(row)
        finally:
            if report is not None:
                report.__exit__(None, None, None)
    if counts["skipped"]:
        messages.done(
            f"skipped {counts['skipped']} of {sum(counts.values())}, whose results are there", event="skipped"
        )
    if counts["failed"]:
        raise typer.Exit(SOME_FAILED)


def _rows(
    call: PlacedCall,
    work: "StoreWork",
    pool: tuple[int, int],
    late: "Callable[[dict[str, Any]], None]",
    *,
    progress: bool,
) -> "Generator[dict[str, Any]]":
    """The rows of a call; those of photos that were running when it was stopped go to `late`."""
    from dicface.batches.stored_photos import stored_photos

    photos: Iterator[StoredPhoto] = stored_photos(call.inputs, call.out, shard=call.shard, maps=work.batch.has_maps)
    if call.engine == "ray":
        from dicface.batches.ray_engine import RayPool, in_ray, table_in_ray

        actors = RayPool(call.ray_address, *pool, progress=progress)
        if call.table:
            yield from table_in_ray(call.table, work, actors, shard=call.shard)
        else:
            yield from in_ray(photos, work, actors)
        return
    from dicface.runtime.parallel import in_threads

    with closing(in_threads(photos, work, call.jobs, late=lambda _photo, row: late(row))) as results:
        for _, row in results:
            yield row


def _report(path: Path | None) -> "LinesReport | ParquetReport | None":
    """The report of a call, whose folder can be written; None for none."""
    from dicface.batches.report_lines import LINES_SUFFIX, LinesReport
    from dicface.batches.report_parquet import PARQUET_SUFFIX, ParquetReport
    from dicface.files import check_folder

    if path is None:
        return None
    if path.suffix.lower() == LINES_SUFFIX:
        check_folder(path)
        return LinesReport(path)
    if path.suffix.lower() == PARQUET_SUFFIX:
        report = ParquetReport(path)
        check_folder(path / f"part{PARQUET_SUFFIX}")
        return report
    raise UsageError(f"expected --report to end in {LINES_SUFFIX} or {PARQUET_SUFFIX} here, got {str(path)!r}")


def _say(row: dict[str, Any], messages: Messages) -> None:
    if row["outcome"] == "failed":
        error = in_options(row["error"])
        messages.failed(f"{row['input']}: {error}", input=row["input"], error=error)
    elif row["outcome"] == "done":
        restored = sum(face["outcome"] == "restored" for face in row["faces"])
        text = f"{row['input']}: {restored} of {len(row['faces'])} faces restored -> {row['output']}"
        messages.done(text, input=row["input"], output=row["output"], faces=len(row["faces"]))


def parse_concurrency(text: str) -> tuple[int, int]:
    """Least and greatest number of actors by --concurrency 4,64 or --concurrency 4."""
    least, _, most = text.partition(",")
    most = most or least
    if not (least.isdecimal() and most.isdecimal() and 1 <= int(least) <= int(most)):
        raise UsageError(f"expected --concurrency LEAST,GREATEST such as 4,64, got {text!r}")
    return int(least), int(most)
