"""The distributions of this repository, each built once in a process."""

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Distribution(NamedTuple):
    """Files of a distribution."""

    wheel: Path
    sdist: Path


def run(*words: object, **environment: str) -> str:
    """Output of a process, which must end well and does not see this checkout."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def build(project: Path) -> Distribution:
    """Build a project with the backend of the dev extra, so that nothing is fetched."""
    out = Path(tempfile.mkdtemp())
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, project)
    wheel, sdist = sorted(out.iterdir(), key=lambda path: path.suffix != ".whl")
    return Distribution(wheel, sdist)
