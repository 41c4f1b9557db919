"""What commands say: lines for people or for machines, which never stop the work."""

import json
import os
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, TextIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def escape_what_does_not_fit() -> None:
    """Let stdout and stderr write letters that their encoding lacks as `\\u5199`, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        # What tests and notebooks put there takes any letter.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def one_line(text: str) -> str:
    """Escape line breaks and undecodable bytes, which file names may contain."""
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return whole.replace("\n", "\\n").replace("\r", "\\r")


@contextmanager
def _goes_on(stream: TextIO) -> Generator[None]:
    """Go on without a stream that cannot be written: a closed pipe, a full disk."""
    try:
        yield
    except OSError:
        # Python writes what is left of it at its end, and would fail there.
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, stream.fileno())
            os.close(nothing)


def tell(text: str) -> None:
    """Write a line to stdout."""
    with _goes_on(sys.stdout):
        typer.echo(one_line(text))


def say(text: str) -> None:
    """Write a line to stderr."""
    with _goes_on(sys.stderr):
        errors.print(f"dicface: {one_line(text)}", markup=False, emoji=False)


class _Rate(ProgressColumn):
    """Items a second, or seconds an item."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each", style="progress.data.speed")


@contextmanager
def progress_bar(
    what: str,
    total: int | Callable[[], int],
    *,
    hidden: bool = False,
    shown: Callable[[Progress], None] = lambda _: None,
) -> Generator[Callable[[int], None]]:
    """Show a progress line on a terminal: done, rate and time left; yields a function to be called with items done.

    Args:
        what: plural of the items.
        total: their number; or a function that counts them, which is called beside the work.
        hidden: show nothing.
        shown: called with the display, to which lines may be added.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    disable = hidden or not errors.is_terminal
    with Progress(*columns, console=errors, transient=True, disable=disable) as progress:
        shown(progress)
        task = progress.add_task(what, total=None if callable(total) else total)
        if callable(total) and not disable:
            threading.Thread(target=lambda: progress.update(task, total=total()), name="count", daemon=True).start()
        yield partial(progress.advance, task)


class Messages:
    """The lines of a command that works on many files.

    Args:
        quiet: only failures are said.
        log_json: every line is a JSON object on stderr, with time, level, event and message.
        keep_stdout_free: lines go to stderr, since stdout carries the result.
    """

    def __init__(self, *, quiet: bool = False, log_json: bool = False, keep_stdout_free: bool = False) -> None:
        self.quiet, self.log_json, self._on_stderr = quiet, log_json, keep_stdout_free
        self._progress: Progress | None = None

    def done(self, text: str, event: str = "done", *, details: Sequence[str] = (), **fields: Any) -> None:
        """Say that something is done, and lines about its parts below."""
        if self.quiet:
            return
        if self.log_json:
            self._log("info", event, text, fields | ({"details": list(details)} if details else {}))
            return
        for line in (text, *(f"  {detail}" for detail in details)):
            (say if self._on_stderr else tell)(line)

    def note(self, text: str) -> None:
        """Say something about the work."""
        if self.log_json and not self.quiet:
            self._log("info", "note", text, {})
        elif not self.quiet:
            say(text)

    def failed(self, text: str, event: str = "failed", **fields: Any) -> None:
        """Say that something failed."""
        if self.log_json:
            self._log("error", event, text, fields)
        else:
            say(text)

    def _log(self, level: str, event: str, text: str, fields: dict[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "level": level, "event": event, "message": text, **fields})
        with _goes_on(sys.stderr):
            sys.stderr.write(f"{line}\n")

    def progress(self, what: str, total: int | Callable[[], int]) -> Any:
        """See `progress_bar`."""
        return progress_bar(what, total, hidden=self.quiet or self.log_json, shown=self._keep)

    def _keep(self, progress: Progress) -> None:
        self._progress = progress

    @contextmanager
    def part(self, what: str) -> Generator[Callable[[int, int | None], None]]:
        """Show a line for one item within `progress`; yields a function of what is done of it and of all, if known."""
        progress = self._progress
        if progress is None:
            yield lambda _done, _all: None
            return
        task = progress.add_task(escape(one_line(what)), total=None)
        try:
            yield lambda done, whole: progress.update(task, completed=done, total=whole)
        finally:
            progress.remove_task(task)
