"""`dicface models`."""

import json

from tests.support.command import dicface


def test_models_are_listed() -> None:
    cards = json.loads(dicface("models", "--json").stdout)
    assert "lite" in cards
    shown = dicface("models").stdout
    assert "lite (default)" in shown
    assert cards["lite"]["sha256"][".onnx"] in shown
    assert "evidence" in shown
