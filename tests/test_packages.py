"""The distributions of this repository: versions in step, checked files, and the second one found by the first."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from PIL import Image
from trove_classifiers import classifiers

from dicface.runtime.models import embedded_models
from dicface.version import __version__
from tests.support.distributions import build, run
from tests.support.models import copy_model

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "packages" / "dicface-models"
DISTRIBUTIONS = pytest.mark.xdist_group("distributions")  # in one process, which builds them once
PROJECTS = {path: tomllib.loads((path / "pyproject.toml").read_text())["project"] for path in (ROOT, MODELS)}


def test_versions_are_in_step() -> None:
    project = PROJECTS[MODELS]
    assert (project["version"], project["dependencies"]) == (__version__, [f"dicface=={__version__}"])


@pytest.mark.parametrize("project", PROJECTS.values(), ids=lambda project: project["name"])
def test_classifiers_are_known_to_the_index(project: dict[str, Any]) -> None:
    assert set(project["classifiers"]) <= classifiers
    assert project["classifiers"] == sorted(project["classifiers"])


def test_the_readme_of_the_models_says_what_it_holds() -> None:
    names = {path.stem for path in (MODELS / "src" / "dicface_models").glob("*.json")}
    held = re.search(r"## What it holds\n(.*?)\n## ", (MODELS / "README.md").read_text(), re.DOTALL)
    assert held
    assert ("No model yet" in held[1]) == (not names)
    assert all(f"`{name}`" in held[1] for name in names)


class TestWorkflow:
    """The checks on other systems, which are not run here."""

    @pytest.fixture
    def workflow(self) -> dict[Any, Any]:
        return yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())

    def test_the_matrix_is_what_the_classifiers_promise(self, workflow: dict[Any, Any]) -> None:
        matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
        promised = PROJECTS[ROOT]["classifiers"]
        versions = [name.rpartition(" ")[2] for name in promised if re.search(r":: 3\.\d+$", name)]
        assert matrix["python"] == versions == ["3.11", "3.12", "3.13", "3.14"]
        assert all(version in SpecifierSet(PROJECTS[ROOT]["requires-python"]) for version in versions)
        runners = {"POSIX :: Linux": "ubuntu", "MacOS": "macos", "Microsoft :: Windows": "windows"}
        systems = [name.removeprefix("Operating System :: ") for name in promised if name.startswith("Operating")]
        assert {name.rpartition("-")[0] for name in matrix["system"]} == {runners[name] for name in systems}

    def test_it_runs_what_everybody_runs(self, workflow: dict[Any, Any]) -> None:
        assert set(workflow[True]) == {"push", "pull_request"}  # YAML reads `on` as true
        assert workflow["permissions"] == {"contents": "read"}
        job = workflow["jobs"]["test"]
        assert job["runs-on"] == "${{ matrix.system }}"
        assert job["strategy"]["fail-fast"] is False
        *setup, last = job["steps"]
        assert last["run"] == ".ci/run"
        assert os.access(ROOT / ".ci" / "run", os.X_OK)
        assert [step.get("uses", "").partition("@")[0] or step["if"] for step in setup] == [
            "actions/checkout",
            "actions/setup-python",
            "runner.os == 'Windows'",
        ]


@pytest.fixture(scope="module")
def models_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second distribution with a model in it."""
    project = tmp_path_factory.mktemp("projects") / "dicface-models"
    shutil.copytree(MODELS, project, ignore=shutil.ignore_patterns("*.onnx", "*.safetensors", "*.json", "__pycache__"))
    copy_model(project / "src" / "dicface_models", "generated")
    return project


@pytest.mark.slow
@DISTRIBUTIONS
def test_both_files_of_each_distribution_pass_the_checks(models_project: Path) -> None:
    built = {"dicface": build(ROOT), "dicface_models": build(models_project)}
    for name, files in built.items():
        assert files.wheel.name == f"{name}-{__version__}-py3-none-any.whl"
        assert files.sdist.name == f"{name}-{__version__}.tar.gz"
    run(sys.executable, "-m", "twine", "check", "--strict", *(file for files in built.values() for file in files))
    run(sys.executable, "-m", "check_wheel_contents", *(files.wheel for files in built.values()))


@pytest.mark.slow
@DISTRIBUTIONS
def test_an_installed_model_is_listed_and_restores(models_project: Path, tmp_path: Path) -> None:
    wheel = build(models_project).wheel
    site = tmp_path / "site"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    run(*pip, "--target", site, wheel)
    path = os.pathsep.join((str(site), str(ROOT / "src")))
    dicface = (sys.executable, "-m", "dicface")
    cards = json.loads(run(*dicface, "models", "--json", PYTHONPATH=path))
    assert cards.keys() == embedded_models().keys() | {"generated"}
    small, out = tmp_path / "crop.png", tmp_path / "out.png"
    with Image.open(ROOT / "examples" / "portrait.jpg") as portrait:
        portrait.resize((32, 32)).save(small)
    run(*dicface, "upscale", small, "--model", "generated", "-o", out, PYTHONPATH=path)
    assert out.exists()
    with (site / "dicface_models" / "generated.onnx").open("ab") as file:
        file.write(b"\0")
    call = (*dicface, "upscale", small, "--model", "generated", "-o", tmp_path / "again.png")
    damaged = subprocess.run(
        [str(word) for word in call], capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": path}
    )
    assert damaged.returncode == 1
    assert "expected generated.onnx to have the hash of its card" in damaged.stderr
