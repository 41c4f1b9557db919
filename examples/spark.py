"""Restore photos on Spark: a table of files in, a table of results out.

    spark-submit examples/spark.py INPUT OUTPUT.parquet

INPUT is a folder or address that Spark reads. OUTPUT has a row for each photo: output, bytes, faces, outcome, error.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from dicface import RestoreBatch

SCHEMA = "path string, output string, bytes binary, faces string, outcome string, error string"


class Restoring:
    """A function for `mapInPandas`, which loads the models once in each Python worker."""

    def __init__(self, restore: RestoreBatch) -> None:
        self._restore = restore

    def __call__(self, frames: Iterable[Any]) -> Iterator[Any]:
        """From data frames with path and bytes to data frames of `SCHEMA`."""
        columns = [column.split()[0] for column in SCHEMA.split(", ")]
        for frame in frames:
            yield self._restore(frame)[columns]


def restore_folder(spark: Any, source: str, restore: RestoreBatch) -> Any:
    """The results of all photos below a folder, as a data frame of Spark.

    Args:
        spark: the session.
        source: a folder or address.
        restore: what is done to each photo.
    """
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(source)
    photos = files.selectExpr("path", "content AS bytes")
    return photos.mapInPandas(Restoring(restore), SCHEMA)


def main() -> None:
    """Restore a folder."""
    from pyspark.sql import SparkSession

    source, target = sys.argv[1:]
    spark = SparkSession.builder.appName("dicface").getOrCreate()
    # A batch of 10,000 rows, Spark's default, would be gigabytes.
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "16")
    restore_folder(spark, source, RestoreBatch()).write.mode("append").parquet(target)


if __name__ == "__main__":
    main()
