"""Batches of engines."""

import numpy as np

from dicface.batches.tables import column, with_columns


def test_bytes_in_arrays_keep_their_zeros() -> None:
    table = with_columns({"path": np.array(["a"])}, {"bytes": [b"x\0\0"]})
    assert table["bytes"].dtype == object
    assert column(table, "bytes") == [b"x\0\0"]
    assert column(table, "path") == ["a"]
