"""The documentation: what it cites exists, its commands are known, its Python runs, and the version is said once."""

import re
import tomllib
from pathlib import Path

import pytest
from PIL import Image
from typer.main import get_command

from dicface.cli import app
from dicface.version import __version__
from docs._site.docstrings import head_examples, split_groups
from docs._site.hooks import Decision, on_page_content, on_page_markdown, read_decisions

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = {decision.number: decision for decision in read_decisions()}
CODE = re.compile(r"^```.*?^```|`[^`]*`", re.MULTILINE | re.DOTALL)
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
FOLLOWED = [ROOT / "README.md", ROOT / "docs" / "models.md", *sorted((ROOT / "docs" / "start").glob("*.md"))]
PYTHON = [(page, code) for page in FOLLOWED for code in PYTHON_BLOCK.findall(page.read_text())]
COMMANDS = vars(get_command(app))["commands"]


def _relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _commands(page: Path) -> list[list[str]]:
    """The calls of dicface in the page's shell blocks, in words."""
    shell = "\n".join(SHELL_BLOCK.findall(page.read_text())).replace("\\\n", " ")
    calls = (re.search(r"\bdicface ((?:[a-z]+)\b.*)", line) for line in shell.splitlines() if not line.startswith("#"))
    return [call[1].partition(" #")[0].split() for call in calls if call]


@pytest.mark.parametrize("page", PAGES, ids=_relative)
def test_every_command_and_option_exists(page: Path) -> None:
    for name, *words in _commands(page):
        assert name in COMMANDS, f"dicface {name}"
        command = COMMANDS[name]
        if group := vars(command).get("commands"):
            assert words[0] in group, f"dicface {name} {words[0]}"
            command = group[words[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert given <= known | {"--help"}, f"dicface {name} {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=_relative)
def test_every_adr_that_a_page_cites_is_linked(page: Path) -> None:
    text = CODE.sub("", page.read_text())
    for number, target in re.findall(r"\[ADR (\d+)\]\(([^)]*)\)", text):
        assert Path(target).name == DECISIONS[int(number)].file
    unlinked = re.findall(r"(?<!\[)ADR[ \n]\d+", text)
    assert not unlinked or page.parent.name == "reference"  # the site links those of the reference


def test_code_cites_adrs_in_one_form() -> None:
    files = (
        path
        for folder in ("src", "tests", "experiments", "fuzz")
        for suffix in ("py", "toml")
        for path in (ROOT / folder).rglob(f"*.{suffix}")
    )
    for path in files:
        if path == Path(__file__):
            continue
        for number in re.findall(r"\bADR (\d+)", path.read_text(encoding="utf-8")):
            assert number == str(int(number)), f"expected ADR {int(number)}, got ADR {number} in {path}"
            assert int(number) in DECISIONS, f"ADR {number} in {path}"


@pytest.mark.parametrize("decision", DECISIONS.values(), ids=lambda decision: str(decision.number))
def test_a_decision_has_a_status_and_is_superseded_by_one_that_says_so(decision: Decision) -> None:
    link = r"\[ADR (\d+)\]\([^)]*\)"
    form = rf"(accepted|(superseded|superseded in part) by {link}( and {link})*), \d{{4}}-\d{{2}}"
    assert re.fullmatch(form, decision.status), decision.status
    for number in re.findall(link, decision.status):
        successor = (ROOT / "docs" / "adr" / DECISIONS[int(number)].file).read_text()
        assert f"[ADR {decision.number}]" in successor


@pytest.mark.parametrize(("page", "code"), PYTHON, ids=[f"{_relative(page)}-{i}" for i, (page, _) in enumerate(PYTHON)])
def test_python_of_the_pages_runs(page: Path, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").mkdir()
    with Image.open(ROOT / "examples" / "portrait.jpg") as portrait:
        portrait.save(tmp_path / "examples" / "portrait.jpg")
        portrait.resize((121, 121), Image.Resampling.BICUBIC).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, _relative(page), "exec"), {"__name__": "page"})


def test_the_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/dicface/version.py"
    citation = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert citation
    assert citation[1] == __version__


def test_a_group_of_arguments_is_split() -> None:
    grouped = "Args:\n    low, high: range,\n        in pixels.\n    other: alone."
    split = "Args:\n    low: range,\n        in pixels.\n    high: range,\n        in pixels.\n    other: alone."
    assert split_groups(grouped) == split


def test_examples_get_a_heading() -> None:
    assert head_examples("One.\n\n>>> 1 + 1\n2\n\nArgs:\n    x: y") == (
        "One.\n\nExamples:\n    >>> 1 + 1\n    2\n\nArgs:\n    x: y"
    )


class _File:
    """What the hook asks of a file of mkdocs."""

    def __init__(self, src_uri: str) -> None:
        self.src_uri = src_uri
        self.file = self

    def documentation_pages(self) -> "list[_File]":
        return [self]

    def url_relative_to(self, other: "_File") -> str:
        return f"{other.src_uri}->{self.src_uri}"


def test_adrs_in_docstrings_are_linked_outside_of_links_and_code() -> None:
    page, files = _File("reference/index.md"), _File("adr/0017-other-peoples-networks.md")
    html = on_page_content("<p>(ADR 17) <a>ADR 17</a> <code>ADR 17</code></p>", page=page, config=None, files=files)
    link = '<a href="reference/index.md->adr/0017-other-peoples-networks.md">ADR 17</a>'
    assert html == f"<p>({link}) <a>ADR 17</a> <code>ADR 17</code></p>"
    with pytest.raises(ValueError, match="got ADR 99"):
        on_page_content("ADR 99", page=page, config=None, files=files)


def test_a_file_outside_of_the_docs_is_named_and_a_page_is_linked() -> None:
    page = _File("training.md")
    source = "[the demo](../examples/demo.py), [web](web.md), [gone](../gone.md)"
    expected = "`examples/demo.py`, [web](web.md), [gone](../gone.md)"
    assert on_page_markdown(source, page=page) == expected


def test_the_list_of_decisions_has_each_with_its_status() -> None:
    listed = on_page_markdown("<!-- decisions -->", page=_File("adr/index.md"))
    for decision in DECISIONS.values():
        assert f"| {decision.number} | [{decision.title}]({decision.file}) | {decision.status} |" in listed
