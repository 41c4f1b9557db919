"""The command as a user calls it: in this process, or where a process of its own matters, in one."""

import contextlib
import io
import os
import runpy
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from dicface.cli import main

PLAIN = {"COLUMNS": "120", "TERM": "dumb", "FORCE_COLOR": ""}
"""Environment that fixes the width of the output and turns off colours, which some services ask for by a variable."""


class Finished(NamedTuple):
    """What is left of a call of the command.

    Attributes:
        returncode: exit status.
        stdout: what it wrote there.
        stderr: what it wrote there.
    """

    returncode: int
    stdout: str
    stderr: str


def dicface(*arguments: object, cwd: Path | None = None) -> Finished:
    """Call the command in this process, which saves the second or more that a process of its own takes to start.

    Args:
        arguments: what follows `dicface`.
        cwd: folder to call it in; the current one if left out.
    """
    return _called(main, ["dicface", *map(str, arguments)], cwd)


def script(path: Path, *arguments: object) -> Finished:
    """Run a script in this process, as `python PATH ARGUMENTS` would."""
    return _called(partial(runpy.run_path, str(path), run_name="__main__"), [str(path), *map(str, arguments)])


def _called(act: Callable[[], object], words: list[str], cwd: Path | None = None) -> Finished:
    out, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as inside:
        patch.setattr(sys, "argv", words)
        for name, value in PLAIN.items():
            patch.setenv(name, value)
        inside.enter_context(contextlib.chdir(cwd or Path.cwd()))
        inside.enter_context(contextlib.redirect_stdout(out))
        inside.enter_context(contextlib.redirect_stderr(errors))
        code = _exit_code(act)
    return Finished(code, out.getvalue(), errors.getvalue())


def _exit_code(act: Callable[[], object]) -> int:
    try:
        act()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
            return 1
        return ended.code or 0
    return 0


def train(*arguments: object) -> Finished:
    """`dicface train` in this process, without the warnings of Lightning's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dicface("train", *arguments)


def dicface_process(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Call the command as a process: for exit codes, streams and what an interpreter does at its end."""
    command = [sys.executable, "-W", "error", "-m", "dicface", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, env=os.environ | PLAIN)
