"""An extension of griffe: `height, width: in pixels` in a docstring describes two arguments, each by itself."""

import re
from typing import Any

import griffe

_GROUP = re.compile(r"^(?P<indent> +)(?P<names>\w+(?:, \w+)+): (?P<text>.*(?:\n(?P=indent) +\S.*)*)", re.MULTILINE)


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


class GroupedNames(griffe.Extension):
    """Splits groups in every docstring before griffe parses it."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of an object that was just loaded."""
        if obj.docstring is not None:
            obj.docstring.value = split_groups(obj.docstring.value)
