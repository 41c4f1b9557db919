"""The modules of the page's script: the browser reads them as they are, so that no build step finds what is amiss."""

import re
from graphlib import TopologicalSorter

from starlette.testclient import TestClient

from dicface.web.app import PAGE

MODULES = {path.name: path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")}
LONGEST_LINE = 120
"""As in Python; no formatter looks at these files."""
_IMPORT = re.compile(r'^import \{ (.+) \} from "\./(.+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function|class|const|let) ([\w$]+)", re.MULTILINE)


def imports(text: str) -> dict[str, set[str]]:
    """Names that a module imports, by the file that they come from."""
    return {file: set(names.split(", ")) for names, file in _IMPORT.findall(text)}


def test_every_module_says_what_it_is() -> None:
    for name, text in MODULES.items():
        assert re.match(r"// [A-Z].+\.\n\n", text), name


def test_lines_can_be_read() -> None:
    for path in sorted(PAGE.iterdir()):
        if path.suffix in (".js", ".css", ".html"):
            long = [line for line in path.read_text(encoding="utf-8").splitlines() if len(line) > LONGEST_LINE]
            assert long == [], path.name


def test_what_is_imported_is_exported_and_used() -> None:
    for name, text in MODULES.items():
        assert len(re.findall(r"\bimport\b", text)) == len(_IMPORT.findall(text)), f"an import of {name} is not read"
        for file, names in imports(text).items():
            assert names <= set(_EXPORT.findall(MODULES[file])), (name, file)
            body = _IMPORT.sub("", text)
            assert [one for one in names if not re.search(rf"(?<![\w$]){re.escape(one)}(?![\w$])", body)] == [], name


def test_imports_have_no_cycle_and_reach_every_module() -> None:
    order = list(TopologicalSorter({name: set(imports(text)) for name, text in MODULES.items()}).static_order())
    assert set(order) == set(MODULES)
    scripts = re.findall(r'<script src="static/(.+?)"', (PAGE / "index.html").read_text(encoding="utf-8"))
    reached, left = set[str](), scripts
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += imports(MODULES[name])
    assert reached == set(MODULES)


def test_modules_are_served_as_scripts(client: TestClient) -> None:
    """A browser runs a module only if its type says that it is one."""
    for name, text in MODULES.items():
        reply = client.get(f"/static/{name}")
        assert reply.headers["content-type"].partition(";")[0] in ("text/javascript", "application/javascript")
        assert reply.text == text
