"""CSV by Spark: it hands out the lines, and the local engine's parser says what they mean.

Spark's own parser reads quotes, spaces and rows of another length otherwise, and a line that it
cannot read becomes nulls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from churn.errors import UnreadableFile
from churn.reading.tabular import PARSE, csv_header, refuse_line_breaks
from churn.spark.files import plain
from churn.spark.job import FILE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LINE, BLOCK = "line", "block"
# A file, and where in it a block begins.
Block = tuple[str, int]


def lines(spark: SparkSession, address: str) -> DataFrame:
    """Lines of files, in the order of each block, with their file and where the block begins."""
    from pyspark.sql import functions as sql

    metadata = {FILE: "_metadata.file_path", BLOCK: "_metadata.file_block_start"}
    places = [sql.col(path).alias(name) for name, path in metadata.items()]
    return spark.read.text(address).select(sql.col("value").alias(LINE), *places)


def header(spark: SparkSession, file: str) -> list[str]:
    """The names in the first line of a file.

    Raises:
        UnreadableFile, EmptyInput, DoubledColumn.
    """
    first = spark.read.text(file).first()
    data = f"{first[0]}\n".encode() if first else b""
    try:
        return csv_header(file, lambda: pa.BufferReader(data))
    except pa.ArrowException as error:
        raise UnreadableFile(file, "csv", str(error)) from None


class LinesReader:
    """Rows of lines.

    Args:
        headers: names in the first line, by file.
        wanted: of these the ones to read, with the names that they get, by file.
    """

    def __init__(
        self, headers: Mapping[str, Sequence[str]], wanted: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._headers = headers
        self._wanted = wanted
        self._last: Block | None = None

    def tables(self, batch: pa.RecordBatch) -> Iterator[tuple[pa.Table, Block]]:
        """Rows under the contract's names, and their block: a table for each in the batch.

        Args:
            batch: the next lines of a task, as `lines` has them.
        Raises:
            UnreadableFile, LineBreakInValue.
        """
        begin = 0
        while begin < batch.num_rows:
            rest = batch.slice(begin)
            block = (plain(given := rest[FILE][0].as_py()), rest[BLOCK][0].as_py())
            same = pc.and_(pc.equal(rest[FILE], given), pc.equal(rest[BLOCK], block[1]))
            end = pc.index(same, False).as_py()
            count = rest.num_rows if end < 0 else end
            # The first line of a file is its header.
            skip = int(block[1] == 0 and block != self._last)
            self._last = block
            begin += count
            texts = rest[LINE].slice(skip, count - skip)
            # As the parser leaves out empty lines.
            if len(texts := texts.filter(pc.not_equal(texts, ""))):
                yield self._parsed(block[0], texts), block

    def _parsed(self, file: str, texts: pa.Array) -> pa.Table:
        wanted = self._wanted[file]
        data = "\n".join(texts.to_pylist()).encode()
        convert = pa.csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()),
            include_columns=[*wanted],
            strings_can_be_null=False,
        )
        read = pa.csv.ReadOptions(column_names=self._headers[file], block_size=len(data) + 1)
        try:
            table = pa.csv.read_csv(pa.BufferReader(data), read, PARSE, convert)
        except pa.ArrowException as error:
            raise UnreadableFile(file, "csv", str(error)) from None
        refuse_line_breaks(file, table)
        return table.rename_columns([*wanted.values()])
