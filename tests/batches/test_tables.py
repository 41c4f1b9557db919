"""Batches of engines."""

import numpy as np
import pytest

from dicface.batches.tables import column, with_columns


def test_bytes_in_arrays_keep_their_zeros() -> None:
    table = with_columns({"path": np.array(["a"])}, {"bytes": [b"x\0\0"]})
    assert table["bytes"].dtype == object
    assert column(table, "bytes") == [b"x\0\0"]
    assert column(table, "path") == ["a"]


def test_an_empty_batch_has_the_types_of_any_other() -> None:
    arrow = pytest.importorskip("pyarrow")
    empty = arrow.table({"path": arrow.array([], arrow.string())})
    made = with_columns(empty, {"bytes": [], "uncertainty": [], "error": []})
    assert made.schema.types == [arrow.string(), arrow.large_binary(), arrow.large_binary(), arrow.large_string()]
