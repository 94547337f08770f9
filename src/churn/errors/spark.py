"""What can go wrong with Apache Spark."""

from __future__ import annotations

from churn.errors.base import ChurnError


class NoPySpark(ChurnError):
    """PySpark is not installed in this environment."""

    def __init__(self) -> None:
        super().__init__(
            "ENGINE=spark: PySpark is not installed here. A make target installs it when it is "
            "called so: make score ENGINE=spark INPUT=… OUTPUT=…; elsewhere, pip install pyspark "
            "in the version that requirements-spark.txt names."
        )


class NoOrder(ChurnError):
    """A table of Spark's has no order, and none was named."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"INPUT={table}: a table has no order, and of rows with one id the last stays. Name "
            "the column that says which is the last, such as ORDER=exported_at; or give its files, "
            "which go by their names (a path has a / or ends in .parquet or .csv)."
        )


class WorkersNotGiven(ChurnError):
    """On a cluster, nobody has said by how many tasks trees are learnt."""

    def __init__(self, master: str) -> None:
        super().__init__(
            f"WORKERS is not set, and {master} is a cluster. Say how many tasks are to learn the "
            "trees together, such as WORKERS=8: as many as there are cores, or fewer. With "
            "another number come other trees."
        )


class NotOnSpark(ChurnError):
    """A choice of a parameter group that is made for one machine."""

    def __init__(self, group: str, choice: str, allowed: str) -> None:
        super().__init__(
            f"{group}={choice} is not to be had on Spark; allowed is {allowed}. Find and try it on "
            "a sample of the customers with make repro, and train on all of them with what it "
            "gives."
        )


class NoJava(ChurnError):
    """Spark has no Java that it can run on."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"ENGINE=spark: Spark needs Java 17 or later, and {why}. Run: sudo apt-get install "
            "openjdk-17-jre-headless; or let JAVA_HOME name another Java."
        )


class NoSpark(ChurnError):
    """No session can be had of a master."""

    def __init__(self, master: str, why: str) -> None:
        super().__init__(
            f"SPARK_MASTER={master}: no Spark session: {why}. Name a master that runs: local[2], "
            "spark://host:7077, k8s://https://host:6443, yarn."
        )


class SparkFailed(ChurnError):
    """Spark cannot do what it is asked to."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"{where}: Spark says: {why}. Nothing was put into its place; mend it, and begin anew."
        )


class UnfinishedSparkRun(ChurnError):
    """An earlier run on Spark for the same output has left something, or is not done."""

    def __init__(self, output: str, left: str) -> None:
        super().__init__(
            f"OUTPUT={output}: a run was interrupted, or is still at it: {left} is there. If none "
            "is, begin anew with FORCE=1: it puts back what was moved out of the way, and removes "
            "the rest."
        )


class NoSparkOutput(ChurnError):
    """What is where an output is to go is not one that may be replaced."""

    def __init__(self, output: str) -> None:
        super().__init__(
            f"OUTPUT={output}: what is there is no output of ours (a folder with _SUCCESS, a file "
            "of Parquet, a table), and FORCE=1 replaces nothing else. Name another place, or "
            "remove it yourself."
        )


class NoIdForSpark(ChurnError):
    """A table has no id, and rows have no numbers on Spark."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"ENGINE=spark: the model's table {table} has no id, and Spark's rows have no order by "
            "which they could be numbered. Name a column as its id and train again, or score with "
            "ENGINE=local."
        )


class NameTakenBySpark(ChurnError):
    """A column has the name of one that a run on Spark makes."""

    def __init__(self, table: str, column: str) -> None:
        super().__init__(
            f"ENGINE=spark: the table {table} has a column {column!r}, a name that a run on Spark "
            "needs for itself. Give the column another name by `rename` in its contract."
        )
