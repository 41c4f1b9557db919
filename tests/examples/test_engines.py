"""The recipes of docs/scale.md for other engines: Spark, datasets, Daft."""

import io
import shutil
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dicface import Box, RestoreBatch
from examples.spark import SCHEMA, Restoring, restore_folder

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # warnings of the engines' own
RESTORE = RestoreBatch(boxes=[Box(43, 21, 64, 43)], only_boxes=True, scale=1, backend="onnxruntime")


@pytest.fixture(scope="module")
def photos(small_photo: np.ndarray) -> dict[str, list[Any]]:
    file = io.BytesIO()
    Image.fromarray(small_photo).save(file, "PNG")
    whole = file.getvalue()
    return {"path": ["a.png", "cut.png", "b.gif"], "bytes": [whole, whole[:900], whole]}


@pytest.fixture(scope="module")
def expected(photos: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return RESTORE(photos)


def test_frames_go_through_the_function_of_spark(photos: dict[str, Any], expected: dict[str, Any]) -> None:
    """As `mapInPandas` calls it."""
    pandas = pytest.importorskip("pandas")
    frames = list(Restoring(RESTORE)(iter([pandas.DataFrame(photos), pandas.DataFrame(photos)])))
    assert len(frames) == 2
    assert frames[0].to_dict("list") == {name.split()[0]: expected[name.split()[0]] for name in SCHEMA.split(", ")}


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Generator[Any]:
    # Its workers would take the first python of the path, which need not be this one.
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    pyspark = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    session = (
        pyspark.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "2")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.mark.spark
def test_spark(spark: Any, photos: dict[str, Any], expected: dict[str, Any], tmp_path: Path) -> None:
    for name, content in zip(photos["path"], photos["bytes"], strict=True):
        (tmp_path / name).write_bytes(content)
    rows = {Path(row.path).name: row for row in restore_folder(spark, str(tmp_path), RESTORE).collect()}
    for at, name in enumerate(photos["path"]):
        assert bytes(rows[name].bytes) == expected["bytes"][at]
        assert (rows[name].outcome, rows[name].error) == (expected["outcome"][at], expected["error"][at])


def test_datasets(photos: dict[str, Any], expected: dict[str, Any], tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_dict(photos)
    made = dataset.map(RESTORE, batched=True, batch_size=2, cache_file_name=str(tmp_path / "made.arrow"))
    assert {name: list(made[name]) for name in expected} == expected


def test_daft(photos: dict[str, Any], expected: dict[str, Any]) -> None:
    daft = pytest.importorskip("daft")

    @daft.func.batch(
        return_dtype=daft.DataType.struct(
            {"bytes": daft.DataType.binary(), "outcome": daft.DataType.string(), "error": daft.DataType.string()}
        )
    )
    def restore(contents: Any, paths: Any) -> Any:
        made = RESTORE({"bytes": contents.to_pylist(), "path": paths.to_pylist()})
        rows = zip(made["bytes"], made["outcome"], made["error"], strict=True)
        return [dict(zip(("bytes", "outcome", "error"), row, strict=True)) for row in rows]

    made = daft.from_pydict(photos).select(restore(daft.col("bytes"), daft.col("path")).alias("made")).to_pydict()
    assert [row["bytes"] for row in made["made"]] == expected["bytes"]
    assert [row["outcome"] for row in made["made"]] == expected["outcome"]
