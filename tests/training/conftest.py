"""Networks of few channels, as all tests of training have them."""

import pytest

from tests.support.training import narrow_lightcnn


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train a discriminator and face features of few channels."""
    narrow_lightcnn(monkeypatch)
