"""Batches as engines hand them over: columns out of them, and columns back in the same form."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dicface.errors import UsageError

BINARY = ("bytes", "uncertainty")
"""Columns of files; others are text."""
Table = Any
"""A dict of lists or of NumPy arrays by column, a pandas data frame, or an Arrow table or record batch."""


def column(table: Table, name: str) -> list[Any]:
    """The values of a column as Python objects.

    Raises:
        UsageError: there is no such column, or the table is of another type.
    """
    names = column_names(table)
    if name not in names:
        raise UsageError(f"expected a column {name!r} in each batch, got {', '.join(map(repr, names)) or 'none'}")
    values = table.column(name) if _is_arrow(table) else table[name]
    if _is_arrow(table):
        return values.to_pylist()
    return list(values.tolist() if hasattr(values, "tolist") else values)


def with_columns(table: Table, columns: Mapping[str, Sequence[Any]]) -> Table:
    """The same table, of the same type, with columns added or replaced.

    Args:
        table: the batch.
        columns: bytes or str by the columns' names, as many as there are rows.
    """
    if _is_arrow(table):
        return _with_arrow_columns(table, columns)
    if _is_pandas(table):
        return table.assign(**columns)
    as_arrays = any(isinstance(values, np.ndarray) for values in table.values())
    added = {name: _objects(values) if as_arrays else list(values) for name, values in columns.items()}
    return {**table, **added}


def column_names(table: Table) -> Sequence[str]:
    """Names of the columns.

    Raises:
        UsageError: a table of another type.
    """
    if _is_arrow(table):
        return table.schema.names
    if _is_pandas(table) or isinstance(table, Mapping):
        return list(table.keys())
    raise UsageError(
        "expected a batch as a dict of lists or arrays, a pandas data frame or an Arrow table, "
        f"got {type(table).__name__}"
    )


def _is_pandas(table: Table) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(table, pandas.DataFrame)


def _is_arrow(table: Table) -> bool:
    arrow = sys.modules.get("pyarrow")
    return arrow is not None and isinstance(table, arrow.Table | arrow.RecordBatch)


def _with_arrow_columns(table: Table, columns: Mapping[str, Sequence[Any]]) -> Table:
    arrow: Any = sys.modules["pyarrow"]
    kinds = {str: arrow.large_string(), bytes: arrow.large_binary()}
    by_name = dict(zip(table.schema.names, table.columns, strict=True))
    for name, values in columns.items():
        kind = type(values[0]) if values else bytes if name in BINARY else str
        by_name[name] = arrow.array(list(values), kinds[kind])
    make = arrow.table if isinstance(table, arrow.Table) else arrow.RecordBatch.from_pydict
    return make(by_name)


def _objects(values: Sequence[Any]) -> Any:
    """A one-dimensional array of objects; NumPy would cut bytes at trailing zeros."""
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return array
