"""An extension of griffe for two habits of our docstrings.

`height, width: in pixels` describes two arguments, each by itself, and an example needs no heading.
"""

import re
from textwrap import indent
from typing import Any

import griffe

_GROUP = re.compile(r"^(?P<indent> +)(?P<names>\w+(?:, \w+)+): (?P<text>.*(?:\n(?P=indent) +\S.*)*)", re.MULTILINE)
_EXAMPLE = re.compile(r"^>>> .*(?:\n\S.*)*", re.MULTILINE)


def split_groups(docstring: str) -> str:
    """Give each name of a group an entry of its own, with the text of the group.

    >>> print(split_groups("Args:\\n    height, width: in pixels,\\n        even."))
    Args:
        height: in pixels,
            even.
        width: in pixels,
            even.
    """
    return _GROUP.sub(
        lambda match: "\n".join(f"{match['indent']}{name}: {match['text']}" for name in match["names"].split(", ")),
        docstring,
    )


def head_examples(docstring: str) -> str:
    """Put the heading over examples, by which griffe knows them.

    >>> print(head_examples("Twice.\\n\\n>>> 1 + 1\\n2"))
    Twice.
    <BLANKLINE>
    Examples:
        >>> 1 + 1
        2
    """
    return _EXAMPLE.sub(lambda match: f"Examples:\n{indent(match[0], '    ')}", docstring)


class Docstrings(griffe.Extension):
    """Rewrites every docstring before griffe parses it."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of an object that was just loaded."""
        if obj.docstring is not None:
            obj.docstring.value = head_examples(split_groups(obj.docstring.value))
