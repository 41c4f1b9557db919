"""A Dockerfile as its stages, for tests that check them or run their steps."""

import json
from pathlib import Path
from typing import NamedTuple

from dockerfile_parse import DockerfileParser


class Step(NamedTuple):
    """An instruction.

    Attributes:
        word: such as RUN.
        value: what follows it, continued lines joined.
    """

    word: str
    value: str


class Stage(NamedTuple):
    """A stage of a Dockerfile.

    Attributes:
        parent: image or stage that it is built from.
        steps: its instructions, in order.
    """

    parent: str
    steps: tuple[Step, ...]

    def all(self, word: str) -> list[str]:
        """Values of the instructions with a word."""
        return [step.value for step in self.steps if step.word == word]

    def last(self, word: str) -> str:
        """Value of the last instruction with a word."""
        return self.all(word)[-1]

    def command(self, word: str) -> list[str]:
        """Words of an instruction in exec form."""
        return json.loads(self.last(word).partition("CMD ")[2] if word == "HEALTHCHECK" else self.last(word))


def read_stages(path: Path) -> dict[str, Stage]:
    """Stages of a Dockerfile by name; every stage has one."""
    stages: dict[str, Stage] = {}
    name = ""
    structure = DockerfileParser(str(path)).structure
    for step in structure:
        if step["instruction"] == "FROM":
            parent, _, name = step["value"].partition(" AS ")
            stages[name] = Stage(parent, ())
        elif name and step["instruction"] != "COMMENT":
            stage = stages[name]
            stages[name] = stage._replace(steps=(*stage.steps, Step(step["instruction"], step["value"])))
    return stages
