"""Hooks of mkdocs: the list of decisions, links to the ADRs that docstrings cite, names of files outside of docs/."""

import re
from pathlib import Path
from typing import Any, NamedTuple

_CITATION = re.compile(r"(<a\b.*?</a>|<code\b.*?</code>|<[^>]*>)|\bADR (\d+)\b", re.DOTALL)


_STATUS = re.compile(r"^Status: (.+?\d{4}-\d{2}(?:;.*?)?)\.(?:\s|$)", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)#]+)[^)]*\)")
DOCS = Path(__file__).resolve().parent.parent
ADR_FOLDER = DOCS / "adr"


class Decision(NamedTuple):
    """One page of docs/adr.

    Attributes:
        number: its number.
        title: its heading, without the number.
        status: accepted, superseded by, or superseded in part by, and the month; Markdown.
        file: its name.
    """

    number: int
    title: str
    status: str
    file: str


def read_decisions(folder: Path = ADR_FOLDER) -> list[Decision]:
    """The pages of a folder, by number.

    Raises:
        ValueError: a page without its number as heading, or without a status.
    """
    decisions: list[Decision] = []
    for path in sorted(folder.glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        number = int(path.name[:4])
        heading, status = text.partition("\n")[0], _STATUS.search(text)
        if not heading.startswith(f"# {number}. ") or status is None:
            raise ValueError(f"expected '# {number}. TITLE' and a line 'Status: ....' in {path}")
        decisions.append(Decision(number, heading.removeprefix(f"# {number}. "), status[1], path.name))
    return decisions


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """List the decisions, and name files outside of docs/ instead of linking them, since the site has no such pages.

    Args:
        markdown: the page's source.
        page: the page of mkdocs.
    """
    folder = DOCS / Path(page.file.src_uri).parent

    def name(match: re.Match[str]) -> str:
        target = (folder / match[2]).resolve()
        return (
            match[0] if target.is_relative_to(DOCS) or not target.exists() else f"`{target.relative_to(DOCS.parent)}`"
        )

    return _list_decisions(_LINK.sub(name, markdown))


def _list_decisions(markdown: str) -> str:
    """Put the table of decisions in the place of its marker."""
    marker = "<!-- decisions -->"
    if marker not in markdown:
        return markdown
    rows = [f"| {row.number} | [{row.title}]({row.file}) | {row.status} |" for row in read_decisions()]
    return markdown.replace(marker, "\n".join(["| | decision | status |", "|---|---|---|", *rows]))


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """`ADR 17` outside of links and code becomes a link to its page.

    Args:
        html: the page's content.
        page: the page of mkdocs.
        config: the configuration of mkdocs.
        files: the files of the site.
    """
    pages = {
        int(Path(file.src_uri).name[:4]): file
        for file in files.documentation_pages()
        if re.match(r"adr/\d{4}-", file.src_uri)
    }

    def link(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        target = pages.get(int(match[2]))
        if target is None:
            raise ValueError(f"expected an ADR in docs/adr, got ADR {match[2]} in {page.file.src_uri}")
        return f'<a href="{target.url_relative_to(page.file)}">ADR {match[2]}</a>'

    return _CITATION.sub(link, html)
