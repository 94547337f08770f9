"""What Spark raises is told once, in one line."""

from __future__ import annotations

import socket
import struct
from threading import Thread
from typing import Any

import pytest

from churn.errors import SparkFailed
from churn.spark.telling import telling, told_once

ON_CLOSE_RESET = struct.pack("ii", 1, 0)


def reset_after_a_word(server: socket.socket) -> None:
    """Answer as a Java that is killed while something is asked of it."""
    connection, _ = server.accept()
    with connection:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ON_CLOSE_RESET)


@pytest.mark.spark
def test_what_java_says_is_told_and_not_taken_for_its_end(spark: Any):
    said = r"a\.parquet: Spark says: java\.io\.FileNotFoundException: /none"
    with pytest.raises(SparkFailed, match=said), telling("a.parquet"):
        spark._jvm.java.io.FileReader("/none")


@pytest.mark.spark
def test_java_that_is_killed_is_told_once_and_without_a_trace(caplog: pytest.LogCaptureFixture):
    from py4j.java_gateway import GatewayParameters, JavaGateway

    with socket.create_server(("127.0.0.1", 0)) as server:
        killed = Thread(target=reset_after_a_word, args=(server,))
        killed.start()
        port = server.getsockname()[1]
        gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auto_field=True))
        with (
            pytest.raises(SparkFailed, match=r"a\.parquet: Spark says: its Java process has ended"),
            told_once(),
            telling("a.parquet"),
        ):
            gateway.jvm.System.exit(0)
        killed.join()

    assert [one.getMessage() for one in caplog.records if one.exc_info] == []
