"""Imports point one way, and the base install runs without torch."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from typer.main import get_command

from dicface.cli import app
from dicface.cli.terminal import in_options
from tests.support.command import PLAIN

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "dicface"
# Rooms may import those of lower layers, never the reverse; rooms of one layer may import each other only as listed.
LAYERS = [
    {"errors", "landmarks", "files", "version"},
    {"images"},
    {"networks", "data", "checkpoints", "runtime"},
    {"faces"},
    {"restoration", "preparation", "evaluation", "training", "export", "benchmark"},
    {"batches"},
    {"web", "__init__"},
    {"cli"},
    {"__main__"},
]
SAME_LAYER = {
    ("files", "errors"),
    ("data", "networks"),  # degrades faces by the networks' own resizing
    ("data", "runtime"),  # decodes packs on all cores
    ("checkpoints", "networks"),
    ("networks", "checkpoints"),  # `Pretrained` alone; see below
    ("networks", "runtime"),
    ("runtime", "checkpoints"),  # weights run in torch without being exported
    ("training", "evaluation"),  # validation speaks the protocols' language
    ("benchmark", "evaluation"),  # precisions are compared by a protocol
    ("benchmark", "export"),  # the reference is written as ONNX, too
}


@cache
def parsed(path: Path) -> ast.Module:
    """A module's tree."""
    return ast.parse(path.read_text())


def layer(name: str) -> int:
    """Number of a room's layer, from below."""
    (number,) = (number for number, names in enumerate(LAYERS) if name in names)
    return number


def room(path: Path) -> str:
    """First part of a module's name below dicface."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms of dicface that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "dicface":
            parts = node.module.split(".")[1:]
            names |= {parts[0]} if parts else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("dicface.")}
    return names


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_one_way(path: Path) -> None:
    here = room(path)
    for other in imported_rooms(path) - {here}:
        allowed = layer(other) < layer(here) or (here, other) in SAME_LAYER
        assert allowed, f"{here} must not import {other}"


def test_networks_load_files_in_one_place() -> None:
    """Methods of `Pretrained` forward to other rooms; the modules themselves import nothing of them."""
    importing: set[str] = set()

    def reads_files(node: ast.AST) -> bool:
        rooms = ("dicface.runtime", "dicface.checkpoints")
        return isinstance(node, ast.ImportFrom) and (node.module or "").startswith(rooms)

    for path in (SOURCE / "networks").glob("*.py"):
        tree = parsed(path)
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        importing |= {f"{path.stem}.{node.name}" for node in functions if any(map(reads_files, ast.walk(node)))}
        assert not any(map(reads_files, tree.body))
    methods = ("from_pretrained", "save_pretrained", "_save_pretrained", "generate_model_card")
    assert importing == {f"pretrained.{name}" for name in methods}


def test_networks_know_no_path_and_no_device() -> None:
    for path in (SOURCE / "networks").glob("*.py"):
        text = path.read_text()
        assert not re.search(r"\b(Path|pathlib)\b", text), path
        for call in (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Attribute) and call.func.attr in ("to", "cuda"):
                assert "device" not in ast.unparse(call), path
                assert not any(isinstance(argument, ast.Constant) for argument in call.args), path


def test_only_the_command_line_knows_its_options() -> None:
    """The library names parameters; `cli.terminal.in_options` translates them."""
    others = {"--no-deps", "--porcelain"}  # of pip and of git
    for path in sorted(set(SOURCE.rglob("*.py")) - set((SOURCE / "cli").rglob("*.py"))):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", node.value)) - others
                assert not named, f"{path}:{node.lineno} names {named}"


def test_every_parameter_that_an_error_names_has_an_option() -> None:
    group: Any = get_command(app)
    options = {option for command in group.commands.values() for each in command.params for option in each.opts}
    parameters = set()
    doors = {
        *(SOURCE / "cli").rglob("*.py"),
        *(SOURCE / "web").rglob("*.py"),
    }  # the page's errors name fields of requests
    for path in sorted(set(SOURCE.rglob("*.py")) - doors):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Raise):
                texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                parameters |= {name for text in texts for name in re.findall(r"`(\w+)`", str(text))}
    assert {"scale", "max_megapixels", "overwrite"} <= parameters
    tasks = {"dic", "features"}
    for name in parameters - tasks:
        assert in_options(f"`{name}`") in options


def _module_names(path: Path) -> list[str]:
    """Classes and constants that a module defines, constants without those that are private to it."""
    names: list[str] = []
    for node in parsed(path).body:
        if isinstance(node, ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            assigned = [name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            names += [name.id for name in assigned if not name.id.startswith("_")]
    return names


def test_every_class_and_constant_has_a_name_of_its_own() -> None:
    found: dict[str, Path] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for name in dict.fromkeys(_module_names(path)):
            assert name not in found, f"{name} is defined in {found[name]} and in {path}"
            found[name] = path
    assert {"Restorer", "LUMA_WEIGHTS"} <= found.keys()


def _identifiers(tree: ast.Module) -> set[str]:
    """Names that a module gives or uses: of classes, functions, arguments, variables and attributes."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case _:
                pass
    return names


def test_words_that_were_given_up_do_not_come_back() -> None:
    """Each had one sense too many, or was not the field's: `score` is for chance, `relative_error` for doubt."""
    given_up = {"chance", "chances", "contender", "contenders", "deal", "doubt", "doubts"}
    given_up |= {"likeness", "relight", "shorten", "tilt", "wish"}
    for path in sorted([*SOURCE.rglob("*.py"), *(TESTS.parent / "experiments").glob("*.py")]):
        names = {path.stem, *_identifiers(parsed(path))}
        words = {word.lower() for name in names for word in re.findall(r"[A-Z]?[a-z]+", name)}
        assert not words & given_up, path


def test_private_parts_of_other_libraries_are_left_alone() -> None:
    """Except for the processes of a standard executor, which has no other way to kill them before Python 3.14."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = parsed(path)
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        own |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_self(node.value)}
        own |= {"_replace", "_asdict", "_fields", "_exit"}  # of named tuples and of os: documented
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.Attribute)):
            private = node.attr.startswith("_") and not node.attr.startswith("__")
            assert not private or node.attr in own, f"{path}:{node.lineno} uses {ast.unparse(node)}"


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def test_lightning_whose_inner_workings_are_used_is_capped() -> None:
    """Callbacks read and write its checkpoints."""
    extras = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (requirement,) = (Requirement(one) for one in extras["train"] if Requirement(one).name == "lightning")
    assert requirement.specifier.contains("2.99")
    assert not requirement.specifier.contains("3.0")


def test_what_tests_share_lies_in_support() -> None:
    """A test that imports from another breaks with it, and a process that it starts does, too."""
    for path in sorted(TESTS.rglob("*.py")):
        taken = re.findall(r"^\W*(?:from|import) +(tests(?!\.support\b)[\w.]*)", path.read_text(), re.MULTILINE)
        assert not taken, f"{path} imports from {taken}; move what it takes to tests/support/"


@pytest.mark.slow
def test_restoring_never_imports_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "import dicface, dicface.cli\n"
        "from dicface import Restorer\n"
        "Restorer(backend='onnxruntime').restore(np.full((40, 40, 3), 90, np.uint8), boxes=[(8, 8, 30, 30)])\n"
        "training = {'torch', 'lightning', 'pyarrow', 'safetensors', 'onnx', 'openvino', 'matplotlib'}\n"
        "heavy = training & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.slow
def test_onnxruntime_sends_nothing(tmp_path: Path) -> None:
    """Where it does, it leaves the number of its session, .ses, in the temporary folder."""
    code = (
        "import sys, numpy as np\n"
        "from dicface import Restorer\n"
        "Restorer(backend='onnxruntime').upscale(np.zeros((1, 16, 16, 3), np.uint8))\n"
        "assert 'onnxruntime' in sys.modules\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment | {"TMPDIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, dicface.cli\n"
        "heavy = {'numpy', 'PIL', 'onnxruntime', 'openvino', 'dlib', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.slow
def test_wrong_arguments_are_refused_before_torch_is_imported() -> None:
    """In one process, which starts without it."""
    cases = {
        "evaluate faces --lr-size 16,x": "expected --lr-size as whole numbers with commas between, got '16,x'",
        "evaluate faces --protocol z": "expected a protocol, one of y-crop8",
        "evaluate faces --model light": "expected one of lite",
        "evaluate faces --lr-size 7": "expected a low-resolution side from 8 to 64 px for lite, got 7",
        "evaluate faces --damage dirt": "expected a damage, one of grey",
        "evaluate faces --identity --features lite": "expected one of features",
        "evaluate faces --lpips alex.pth": "expected --lpips to name a file of weights, got no such file",
        "train --data faces": "expected CONFIG",
        "train light --data faces": "expected a TOML file or one of",
        "convert weights.pth -o weights.onnx": "expected an output ending in .safetensors",
    }
    code = (
        "import json, sys\n"
        "from contextlib import redirect_stderr, suppress\n"
        "from io import StringIO\n"
        "from dicface.cli import main\n"
        "for arguments, message in json.loads(sys.argv.pop()).items():\n"
        "    sys.argv[1:], said = arguments.split(), StringIO()\n"
        "    with redirect_stderr(said), suppress(SystemExit):\n"
        "        main()\n"
        "    assert message in said.getvalue(), (arguments, said.getvalue())\n"
        "    assert 'torch' not in sys.modules, arguments\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, json.dumps(cases)], check=True, env=os.environ | PLAIN)
