"""The variables of ENGINE=spark: places, and what is not allowed. No Spark is needed for it."""

from __future__ import annotations

import pytest

from churn.batch.job import engine
from churn.errors import NotAllowed, NotGiven, UnknownPlace
from churn.spark.files import plain
from churn.spark.job import SparkPlace, spark_job


def test_the_engine_is_the_local_one_unless_named():
    assert [engine({}), engine({"ENGINE": ""}), engine({"ENGINE": "spark"})] == [
        *("local", "local", "spark")
    ]
    with pytest.raises(NotAllowed, match=r"ENGINE=Spark: allowed is local or spark"):
        engine({"ENGINE": "Spark"})


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("a/b.parquet", SparkPlace("a/b.parquet", "parquet")),
        ("hdfs://crm/customers/", SparkPlace("hdfs://crm/customers/", "parquet")),
        ("s3a://crm/2026-*.csv.gz", SparkPlace("s3a://crm/2026-*.csv.gz", "csv")),
        ("table:lake.crm.customers", SparkPlace("lake.crm.customers", "table")),
    ],
)
def test_an_address_names_files_or_a_table(address: str, place: SparkPlace):
    found = spark_job({"INPUT": address, "OUTPUT": "out.parquet", "EXPLAIN": "3", "FORCE": "1"})

    assert (found.input, found.input.shown, found.explain, found.force) == (place, address, 3, True)


@pytest.mark.parametrize(
    "address", ["a.csv.zst", "a", "table:", "table:a..b", "postgresql://h/d#t", "sqlite:///a.db#t"]
)
def test_an_address_of_something_else_is_refused(address: str):
    with pytest.raises(UnknownPlace, match=r"table:catalog\.schema\.name"):
        spark_job({"INPUT": address, "OUTPUT": "out.parquet"})
    with pytest.raises(UnknownPlace, match="OUTPUT="):
        spark_job({"INPUT": "a.parquet", "OUTPUT": address})
    with pytest.raises(NotGiven, match="INPUT"):
        spark_job({"OUTPUT": address})


def test_addresses_of_spark_and_hadoop_are_one():
    assert (
        plain("file:///tmp/a%20b%2520/c") == plain("file:/tmp/a b%2520/c") == "file:/tmp/a b%20/c"
    )
    assert plain("s3a://bucket/key") == "s3a://bucket/key"
