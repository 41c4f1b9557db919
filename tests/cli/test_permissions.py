"""Paths that may not be read or written: one line that says so, for every option that takes a path."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from PIL import Image
from typer.models import ParameterInfo

from dicface.cli import app
from dicface.cli.reports import reports
from tests.support.command import Finished

_RIGHTS = "-dac_override,-dac_read_search"
_HELD_TO_THEM = ["setpriv", f"--bounding-set={_RIGHTS}", f"--inh-caps={_RIGHTS}"]
"""Root may read and write everything; so begins a call that may not."""


_CALLER = """
import json, sys
from tests.support.command import dicface
print(json.dumps([dicface(*call.split()) for call in sys.argv[1:]]))
"""


def held_to_permissions(*calls: str, cwd: Path) -> list[Finished]:
    """Call the command again and again in a process that permissions hold back."""
    held = _HELD_TO_THEM if os.geteuid() == 0 else []
    command = [*held, sys.executable, "-c", _CALLER, *calls]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)])}
    result = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=True, env=variables)
    return [Finished(*each) for each in json.loads(result.stdout)]


def path_options() -> dict[str, ParameterInfo]:
    """Every parameter of every command that takes a path, by the names of both."""
    found = dict[str, ParameterInfo]()
    for command in (*app.registered_commands, *reports.registered_commands):
        assert command.callback is not None
        hints: dict[str, Any] = get_type_hints(command.callback, include_extras=True)
        for name, hint in hints.items():
            if "Path" in str(get_args(hint)[:1]):
                (info,) = hint.__metadata__
                found[f"{command.callback.__name__} {name}"] = info
    return found


def test_no_option_is_checked_by_typer() -> None:
    """It would answer with a box of several lines in words of its own."""
    options = path_options()
    assert {"restore out", "restore photos", "serve background", "merge files", "benchmark json_file"} <= set(options)
    assert [name for name, info in options.items() if info.readable or info.writable or info.exists] == []


CALLS = (
    ("restore a.png -o secret.png", "a.png: 'secret.png' exists; add --overwrite to replace it", 1),
    ("restore a.png -o closed", "a.png: could not write 'closed/a.png': Permission denied; choose another", 1),
    ("restore a.png -o closed/b.png", "a.png: could not write 'closed/b.png': Permission denied; choose", 1),
    ("restore a.png --preview secret.png", "a.png: 'secret.png' exists; add --overwrite to replace it", 1),
    ("restore a.png --preview closed", "a.png: could not write 'closed/a.png': Permission denied; choose", 1),
    ("restore a.png -o b.png --report secret.json", "'secret.json' exists; add --overwrite to replace it", 2),
    ("restore a.png -o b.png --report closed/r.json", "closed/r.json: it may not be read or written; check its", 1),
    ("restore a.png -o b.png --model secret.onnx", "'secret.onnx' may not be read; check its permissions", 1),
    ("restore a.png -o b.png --large-faces secret.onnx", "secret.onnx: it may not be read or written; check", 1),
    ("restore a.png -o b.png --background secret.onnx", "'secret.onnx' may not be read; check its permissions", 1),
    ("restore --files-from secret.txt -o out", "expected --files-from to name a list of files, could not read", 2),
    ("serve --background secret.onnx", "'secret.onnx' may not be read; check its permissions", 1),
    ("report merge secret.jsonl -o r.jsonl", "could not read the report 'secret.jsonl': Permission denied", 1),
)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root needs setpriv to lay down rights")
def test_what_may_not_be_read_or_written_is_said_in_one_line(tmp_path: Path) -> None:
    Image.linear_gradient("L").resize((16, 16)).save(tmp_path / "a.png")
    for name in ("secret.png", "secret.json", "secret.jsonl", "secret.onnx", "secret.txt"):
        (tmp_path / name).touch(0)
    (tmp_path / "closed").mkdir(0)
    results = held_to_permissions(*(arguments for arguments, _, _ in CALLS), cwd=tmp_path)
    for (arguments, said, code), result in zip(CALLS, results, strict=True):
        assert (result.returncode, result.stdout) == (code, ""), arguments
        assert result.stderr.startswith(f"dicface: {said}"), arguments
        assert result.stderr.count("\n") == 1, arguments
