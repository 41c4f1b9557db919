"""Embedded models are what their cards say."""

import hashlib

import pytest

from dicface.checkpoints.networks import load_network
from dicface.networks.dic import LITE
from dicface.runtime.models import embedded_models, find_model


@pytest.mark.parametrize("name", embedded_models())
def test_cards_are_true(name: str) -> None:
    card = embedded_models()[name]
    for suffix, digest in card["sha256"].items():
        assert hashlib.sha256(find_model(name, suffix, card["kind"]).read_bytes()).hexdigest() == digest
    for key in ("description", "data", "samples", "command", "commit", "numbers", "licence", "use"):
        assert card[key], f"the card of {name} says nothing of {key}"


def test_lite_is_the_preset() -> None:
    assert load_network(find_model("lite", ".safetensors")).config == LITE
