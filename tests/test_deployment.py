"""The container: its file, its steps run without it, and with it where there is an engine; the page behind nginx."""

import json
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import crossplane
import kubernetes_validate
import pytest
import yaml
from PIL import Image
from typer.main import get_command

from dicface.cli import app
from dicface.cli.terminal import SOME_FAILED, WRONG_CALL
from tests.support.dockerfile import Stage, read_stages

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
STAGES = read_stages(ROOT / "Dockerfile")
# Of python:3.13-slim-bookworm, unpacked, as `docker images` prints it; known and not measured here.
PYTHON_IMAGE_MB = 125
MAX_IMAGE_MB = 450
USER = 10001


def tool(name: str) -> str:
    """A program that came with the dev extra."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else pytest.skip(f"needs {name}")


def options(command: str, words: list[str]) -> dict[str, Any]:
    """What a call of the command means; fails if it would not be understood."""
    group: Any = get_command(app)
    return group.commands[command].make_context(command, list(words)).params


class TestDockerfile:
    """What is checked by reading it."""

    def test_the_linter_finds_nothing(self) -> None:
        done = subprocess.run([tool("hadolint"), ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")

    def test_its_stages(self) -> None:
        assert list(STAGES) == ["build", "base", "web"]
        assert STAGES["web"].parent == "base"
        assert STAGES["build"].parent == STAGES["base"].parent == "python:${PYTHON_VERSION}-slim-bookworm"
        assert STAGES["base"].all("RUN") == STAGES["web"].all("RUN") == []  # nothing of the build stays

    @pytest.mark.parametrize(("extras", "installed"), [("", "."), ("cloud,ray", ".[cloud,ray]")])
    def test_extras_are_an_argument_of_the_build(self, extras: str, installed: str) -> None:
        assert 'EXTRAS=""' in STAGES["build"].all("ARG")
        (run,) = STAGES["build"].all("RUN")
        word = run.split()[-1]
        said = subprocess.run(
            ["sh", "-c", f"echo {word}"], env={"EXTRAS": extras}, capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == installed

    def test_it_is_not_run_by_root(self) -> None:
        assert STAGES["base"].last("USER") == f"{USER}:{USER}"  # a number, which Kubernetes can check
        assert STAGES["web"].all("USER") == []

    def test_commands_are_understood(self) -> None:
        assert STAGES["base"].command("ENTRYPOINT") == ["dicface"]
        assert STAGES["base"].command("CMD") == ["--help"]
        name, *words = STAGES["web"].command("CMD")
        assert options(name, words)["host"] == "0.0.0.0"
        assert STAGES["web"].last("EXPOSE") == str(options(name, words)["port"])

    def test_nothing_in_it_depends_on_the_processor(self) -> None:
        """So that one file makes images for amd64 and arm64."""
        assert not re.search(r"amd64|arm64|x86_64|aarch64|TARGETARCH|--platform=", (ROOT / "Dockerfile").read_text())

    def test_the_build_takes_what_it_copies(self) -> None:
        *_, ignored = (ROOT / ".dockerignore").read_text().partition("\n*\n")
        taken = set(re.findall(r"^!(.+)$", ignored, re.MULTILINE))
        copied = {word for value in STAGES["build"].all("COPY") for word in value.split()[:-1]}
        assert copied == taken
        assert all((ROOT / name).exists() for name in taken)


def _others_may_use(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


def _python() -> str:
    """An interpreter that another user may run, where there is one."""
    candidates = [Path(sys.base_prefix) / "bin" / "python3", Path("/usr/bin/python3")]
    new = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
    usable = [path for path in candidates if path.exists() and _others_may_use(path)]
    fitting = (path for path in usable if subprocess.run([path, "-c", new], check=False).returncode == 0)
    return str(next(fitting, candidates[0]))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image has as /opt/dicface: the steps of the stage `build`, run in a folder."""
    root = tmp_path_factory.mktemp("image")
    build, programs = root / "build", root / "programs"
    programs.mkdir()
    (programs / "python").write_text(f'#!/bin/sh\nexec {_python()} "$@"\n')
    (programs / "pip").write_text(f'#!/bin/sh\nexec {sys.executable} -m pip "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PATH"] = f"{programs}:{environment['PATH']}"
    for word, value in STAGES["build"].steps:
        if word == "COPY":
            *sources, target = value.split()
            for name in sources:
                place = build / target / (name if target == "./" else "")
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
                place.parent.mkdir(parents=True, exist_ok=True)
                copy(ROOT / name, place)
        elif word == "RUN":
            line = value.replace("/opt/dicface", str(root / "opt" / "dicface"))
            shell = ["sh", "-euc", line]
            done = subprocess.run(shell, cwd=build, env=environment, capture_output=True, text=True, check=False)
            if re.search("No matching distribution found|Max retries|NewConnectionError", done.stderr):
                pytest.skip(f"the package index is not reached: {done.stderr[-300:]}")
            assert done.returncode == 0, done.stderr
        else:
            assert (word, value) in (("WORKDIR", "/build"), ("ARG", 'EXTRAS=""'))
    for folder in (root, *root.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    return root / "opt" / "dicface"


def _confined(words: list[str], writable: Path) -> list[str]:
    """A call with everything read-only but one folder, by the image's user, as far as this machine allows."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return words
    shutil.chown(writable, USER, USER)
    if _others_may_use(Path(_python())):
        words = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs", *words]
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode != 0:
        return words
    here = shlex.quote(str(writable))
    mounts = f"mount --bind {here} {here} && mount -o remount,bind,ro / && exec {shlex.join(words)}"
    return ["unshare", "--mount", "sh", "-euc", mounts]


def _environment(stage: Stage, home: Path) -> dict[str, str]:
    """The variables of an image, its folder for everything as the given one."""
    values = dict(part.split("=", 1) for part in shlex.split(stage.last("ENV")))
    assert values["HOME"] == "/tmp"
    kept = {name: value for name, value in values.items() if name != "PATH"}
    return kept | {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}


@pytest.mark.slow
class TestSteps:
    """The image's steps, without an engine for containers."""

    def test_the_image_is_small_enough(self, installed: Path) -> None:
        files = (path for path in installed.rglob("*") if path.is_file() and not path.is_symlink())
        megabytes = sum(path.stat().st_size for path in files) / 1e6
        print(f"/opt/dicface: {megabytes:.0f} MB")  # noqa: T201 - for docs/deployment.md
        assert 150 < megabytes < MAX_IMAGE_MB - PYTHON_IMAGE_MB

    def test_it_has_the_command_and_no_pip(self, installed: Path) -> None:
        assert (installed / "bin" / "dicface").exists()
        assert not (installed / "bin" / "pip").exists()
        packages = {path.name for path in (installed / "lib").glob("python*/site-packages/*")}
        assert {"dicface", "onnxruntime", "uvicorn"} <= packages
        assert not {"pip", "torch", "setuptools"} & packages

    def test_it_restores_on_a_read_only_root(self, installed: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir()
        tmp_path.parent.chmod(0o755)
        tmp_path.chmod(0o755)
        with Image.open(ROOT / "examples" / "portrait.jpg") as portrait:
            portrait.resize((121, 121)).save(tmp_path / "photo.png")
        words = [f"{installed}/bin/dicface", "restore", f"{tmp_path}/photo.png", "-o", f"{out}/restored.png"]
        call = _confined(words, out)
        done = subprocess.run(
            call, env=_environment(STAGES["base"], out), capture_output=True, text=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stderr
        with Image.open(out / "restored.png") as image:
            assert image.size == (484, 484)
        beside = subprocess.run(
            _confined(["touch", str(installed / "file")], out), capture_output=True, check=False, cwd="/"
        )
        assert beside.returncode != 0 or call == words

    def test_the_page_is_healthy_on_a_read_only_root(self, installed: Path, tmp_path: Path) -> None:
        home = tmp_path / "tmp"
        home.mkdir()
        tmp_path.parent.chmod(0o755)
        tmp_path.chmod(0o755)
        port = _free_port()
        name, *words = STAGES["web"].command("CMD")
        assert words[-2:] == ["--port", "7860"]
        call = _confined([f"{installed}/bin/dicface", name, *words[:-1], str(port)], home)
        environment = _environment(STAGES["base"], home)
        python, *check = STAGES["web"].command("HEALTHCHECK")
        check = [word.replace(":7860/", f":{port}/") for word in check]
        health = [f"{installed}/bin/{python}", *check]
        assert subprocess.run(health, capture_output=True, check=False).returncode == 1
        with subprocess.Popen(call, env=environment, cwd="/") as page:
            try:
                _wait_for(lambda: subprocess.run(health, capture_output=True, check=False).returncode == 0, page)
                photo = (ROOT / "examples" / "portrait.jpg").read_bytes()
                asked = urllib.request.Request(f"http://127.0.0.1:{port}/restore?scale=1", photo)
                with urllib.request.urlopen(asked, timeout=60) as reply:
                    assert reply.headers["content-type"] == "image/png"  # a body without a name
            finally:
                page.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def _wait_for(condition: Any, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, "it did not come up"
        time.sleep(0.2)


def _engine() -> str | None:
    """An engine for containers that answers."""
    for name in ("docker", "podman"):
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    return None


@pytest.mark.slow
@pytest.mark.skipif(_engine() is None, reason="needs docker or podman; the steps are run without them above")
@pytest.mark.parametrize("target", ["base", "web"])
def test_the_image_is_built_and_runs(target: str) -> None:
    engine = str(_engine())
    tag = f"dicface:test-{target}"
    subprocess.run([engine, "build", "--target", target, "--tag", tag, ROOT], check=True)
    size = subprocess.run([engine, "image", "inspect", "--format", "{{.Size}}", tag], capture_output=True, check=True)
    assert int(size.stdout) < MAX_IMAGE_MB * 1e6
    call = [engine, "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", tag, "--version"]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("dicface ")


class TestJob:
    """The indexed Job of Kubernetes."""

    @pytest.fixture
    def job(self) -> dict[str, Any]:
        return yaml.safe_load((DEPLOY / "job.yaml").read_text())

    @pytest.mark.parametrize("version", ["1.33", kubernetes_validate.latest_version()])
    def test_it_fits_the_schema(self, job: dict[str, Any], version: str) -> None:
        kubernetes_validate.validate(job, version, strict=True)
        job["spec"]["completion"] = 1
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(job, version, strict=True)

    def test_its_parts_are_all_parts(self, job: dict[str, Any]) -> None:
        spec, (container,) = job["spec"], job["spec"]["template"]["spec"]["containers"]
        assert spec["completionMode"] == "Indexed"
        assert f"--shard=$(JOB_COMPLETION_INDEX)/{spec['completions']}" in container["args"]
        (report,) = (word for word in container["args"] if word.startswith("--report="))
        assert "$(JOB_COMPLETION_INDEX)" in report  # parts do not write one file
        assert spec["maxFailedIndexes"] <= spec["completions"]
        assert spec["template"]["spec"]["restartPolicy"] == "Never"  # podFailurePolicy and backoffLimitPerIndex need it

    @pytest.mark.parametrize("index", ["0", "15"])
    def test_its_call_is_understood(self, job: dict[str, Any], index: str) -> None:
        group: Any = get_command(app)
        if not any("--shard" in parameter.opts for parameter in group.commands["restore"].params):
            pytest.skip("needs --shard")
        (container,) = job["spec"]["template"]["spec"]["containers"]
        name, *words = (word.replace("$(JOB_COMPLETION_INDEX)", index) for word in container["args"])
        asked = options(name, words)
        assert asked["shard"] == f"{index}/16"
        assert asked["log_json"] is True

    def test_it_is_confined_as_the_image_allows(self, job: dict[str, Any]) -> None:
        pod = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsUser"] == USER
        assert pod["automountServiceAccountToken"] is False
        confined = container["securityContext"]
        assert (confined["readOnlyRootFilesystem"], confined["allowPrivilegeEscalation"]) == (True, False)
        assert confined["capabilities"] == {"drop": ["ALL"]}
        mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        assert mounts.keys() == {"/photos", "/restored", "/tmp"}
        assert mounts["/photos"]["readOnly"] is True
        assert {mount["name"] for mount in mounts.values()} == {volume["name"] for volume in pod["volumes"]}

    def test_exit_codes_are_those_of_the_command(self, job: dict[str, Any]) -> None:
        rules = job["spec"]["podFailurePolicy"]["rules"]
        actions = {tuple(rule["onExitCodes"]["values"]): rule["action"] for rule in rules if "onExitCodes" in rule}
        assert actions == {(SOME_FAILED,): "Count", (WRONG_CALL,): "FailIndex"}


class TestCompose:
    """The page behind nginx."""

    @pytest.fixture
    def services(self) -> dict[str, Any]:
        return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]

    def test_the_page_is_confined(self, services: dict[str, Any]) -> None:
        document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
        for service in services.values():
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]
            assert any(mount.startswith("/tmp") for mount in service["tmpfs"])
        page = services["page"]
        assert document["networks"]["inside"]["internal"] is True
        assert page["networks"] == ["inside"]
        assert "ports" not in page  # reached through the proxy alone
        assert services["proxy"]["ports"] == ["127.0.0.1:8080:8080"]
        assert services["proxy"]["depends_on"]["page"]["condition"] == "service_healthy"
        assert (DEPLOY / page["build"]["context"]).resolve() == ROOT
        assert "HEALTHCHECK" in {step.word for step in STAGES[page["build"]["target"]].steps}

    def test_command_and_proxy_agree(self, services: dict[str, Any], tmp_path: Path) -> None:
        name, *words = services["page"]["command"]
        asked = options(name, words)
        assert asked["root_path"] == "/faces"
        # A name in proxy_pass itself would be looked up once, at the start.
        assert ["$page", f"http://page:{asked['port']}"] in [each["args"] for each in _directives(tmp_path, "set")]
        assert [each["args"] for each in _directives(tmp_path, "proxy_pass")] == [["$page"]]
        assert [each["args"][0] for each in _directives(tmp_path, "resolver")] == ["127.0.0.11"]
        (size,) = _directives(tmp_path, "client_max_body_size")
        assert asked["upload_mb"] < int(size["args"][0].removesuffix("m")) < 1.2 * asked["upload_mb"]
        (patience,) = _directives(tmp_path, "proxy_read_timeout")
        assert int(patience["args"][0].removesuffix("s")) >= (asked["waiting"] + 1) * asked["time_limit"]
        mounted = services["proxy"]["volumes"][0].split(":")
        assert (DEPLOY / mounted[0]).resolve() == DEPLOY / "nginx.conf"


def _whole(folder: Path, server: str) -> Path:
    """A configuration of nginx around that of a server, everything in a folder."""
    (folder / "server.conf").write_text(server)
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"pid {folder}/pid;\nerror_log stderr;\ndaemon off;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}include {folder}/server.conf;\n}}\n"
    )
    return path


def _directives(folder: Path, word: str) -> list[dict[str, Any]]:
    """All directives of a name in deploy/nginx.conf."""
    parsed: Any = crossplane.parse(str(_whole(folder, (DEPLOY / "nginx.conf").read_text())))
    assert parsed["status"] == "ok", parsed["errors"]

    def inside(block: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for directive in block:
            yield directive
            yield from inside(directive.get("block", []))

    return [each for file in parsed["config"] for each in inside(file["parsed"]) if each["directive"] == word]


@contextmanager
def _running(words: list[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    with subprocess.Popen(words, **options) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
def test_nginx_serves_the_page_below_its_prefix(tmp_path: Path) -> None:
    page, outside = _free_port(), _free_port()
    server = (DEPLOY / "nginx.conf").read_text()
    server = server.replace("http://page:7860", f"http://127.0.0.1:{page}").replace("listen 8080", f"listen {outside}")
    address = f"http://127.0.0.1:{outside}"
    conf = _whole(tmp_path, server)
    serve = [sys.executable, "-m", "dicface", "serve", "--port", str(page), "--root-path", "/faces"]
    with _running(serve) as running, _running([str(shutil.which("nginx")), "-c", str(conf)], stderr=subprocess.DEVNULL):
        _wait_for(lambda: _status(f"{address}/faces/healthz") == 200, running)
        with urllib.request.urlopen(f"{address}/faces") as reply:
            assert reply.url == f"{address}/faces/"
            html = reply.read().decode()
        assert "/faces/" in html
        for linked in re.findall(r'(?:src|href)="([^"#:]+\.(?:js|css))"', html):
            assert _status(urljoin(f"{address}/faces/", linked)) == 200
        photo = (ROOT / "examples" / "portrait.jpg").read_bytes()
        headers = {"Accept": "application/json"}
        asked = urllib.request.Request(f"{address}/faces/restore?scale=1", photo, headers)
        with urllib.request.urlopen(asked, timeout=60) as reply:
            assert "faces" in json.loads(reply.read())
        assert _status(f"{address}/") == 404


def _status(address: str) -> int:
    try:
        with urllib.request.urlopen(address) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
