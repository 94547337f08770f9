"""A Spark session: on this machine, or on the cluster that SPARK_MASTER names."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joblib import cpu_count

import churn
from churn.errors import NoJava, NoPySpark, NoSpark
from churn.spark.telling import said, told_once

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MASTER, GATEWAY, PYTHON = "SPARK_MASTER", "PYSPARK_GATEWAY_PORT", "PYSPARK_PYTHON"
OLDEST_JAVA = 17
MASTERS = re.compile(r"local(\[[\w*, ]+\])?|yarn|(spark|k8s)://.+")
STANDALONE = "spark://"
CONNECT_TIMEOUT = 10
CODE = Path(churn.__file__).parent
# Whatever the machine's zone and the version's defaults.
ALWAYS = {
    "spark.sql.session.timeZone": "UTC",
    # As everywhere else here, `Age` and `age` are two names.
    "spark.sql.caseSensitive": "true",
    # A folder's name is text, such as area=01: what it means is for the contract to say.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}


@contextmanager
def session(environment: Mapping[str, str]) -> Iterator[SparkSession]:
    """A session for the time of a block; one that is there already is used, and left.

    Args:
        environment: `SPARK_MASTER` names a master, such as `local[4]`, `spark://host:7077`,
            `k8s://https://host:6443`, `yarn`. Without it, that of `spark-submit` or the
            service that runs us, or else all cores of this machine that may be used.
    Raises:
        NoPySpark, NoJava: something is not installed.
        NoSpark: the master cannot be reached, or is none.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise NoPySpark
    from pyspark.sql import SparkSession

    # We hand over Arrow, and no data frames of pandas.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    with told_once():
        if found := SparkSession.getActiveSession():
            for name, value in ALWAYS.items():
                found.conf.set(name, value)
            yield found
        else:
            with _begun(environment) as made:
                yield made


@contextmanager
def _begun(environment: Mapping[str, str]) -> Iterator[SparkSession]:
    master = master_of(environment)
    made = _made(master)
    _quiet_at_the_end(made)
    # Executors may come late, and ask for the code then.
    with tempfile.TemporaryDirectory() as folder:
        try:
            if not is_local(master):
                made.sparkContext.addPyFile(_packed_code(Path(folder)))
            yield made
        finally:
            _stop(made)


def _quiet_at_the_end(made: SparkSession) -> None:
    """Let the end of Java be told by what needs it, and not by a trace of PySpark's as well."""
    server: Any = made.sparkContext._accumulatorServer
    server.handle_error = lambda *_: None


def _stop(made: SparkSession) -> None:
    from py4j.protocol import Py4JError

    # A Spark that has died has told so where it was needed, and is stopped already.
    with suppress(Py4JError, ConnectionError):
        made.stop()


def is_local(master: str) -> bool:
    """Whether a master is this machine alone, in one process."""
    return master.partition("[")[0] == "local"


def master_of(environment: Mapping[str, str]) -> str:
    """The master that is asked for; empty if `spark-submit` has chosen one.

    Raises:
        NoSpark: it is none, or it is not there.
        NoJava: there is none to start Spark with.
    """
    master = environment.get(MASTER, "").strip()
    if master and not MASTERS.fullmatch(master):
        raise NoSpark(master, "it is none that Spark knows")
    if GATEWAY in environment:
        return master
    _require_java(environment)
    if master.startswith(STANDALONE):
        _require_answer(master)
    return master or f"local[{cpu_count()}]"


def _made(master: str) -> SparkSession:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("churn")
    for name, value in {**ALWAYS, **(_here() if is_local(master) else {})}.items():
        builder = builder.config(name, value)
    try:
        return (builder.master(master) if master else builder).getOrCreate()
    except (Py4JError, PySparkException) as error:
        raise NoSpark(master or "spark-submit", said(error)) from None


def _require_answer(master: str) -> None:
    """Check that a master of a standalone cluster is there: Spark itself asks for a minute.

    Raises:
        NoSpark: none is.
    """
    for one in master.removeprefix(STANDALONE).split(","):
        host, _, port = one.rpartition(":")
        with suppress(OSError, ValueError):
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT).close()
            return
    raise NoSpark(master, "nobody answers there")


def _here() -> dict[str, str]:
    """Settings of a Spark that is one process of this machine, and nobody else's."""
    # Of all, PySpark reads only this one from the environment alone.
    os.environ.setdefault(PYTHON, sys.executable)
    quiet = f"-Dlog4j2.configurationFile={(CODE / 'spark/log4j2.properties').as_uri()}"
    return {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": str(sys.stderr.isatty()).lower(),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": quiet,
        "spark.executorEnv.PYTHONPATH": str(CODE.parent),
    }


def _packed_code(folder: Path) -> str:
    """This code, for executors of other machines; their environment has the libraries."""
    return shutil.make_archive(str(folder / "churn"), "zip", CODE.parent, CODE.name)


def _require_java(environment: Mapping[str, str]) -> None:
    """Check that there is a Java that Spark can run on.

    Raises:
        NoJava: there is none, or an older one.
    """
    home = environment.get("JAVA_HOME")
    java = shutil.which(str(Path(home) / "bin/java") if home else "java")
    if java is None:
        raise NoJava(f"there is none at JAVA_HOME={home}" if home else "there is none")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise NoJava(f"{java} is version {found[1] if found else 'unknown'}")
