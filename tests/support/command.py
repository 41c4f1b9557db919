"""The command as a user calls it."""

import os
import subprocess
import sys
from pathlib import Path

# Of a width, and without colours, which some services ask for by a variable.
PLAIN = {"COLUMNS": "120", "TERM": "dumb", "FORCE_COLOR": ""}


def dicface(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "dicface", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, env=os.environ | PLAIN)
