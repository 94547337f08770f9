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
