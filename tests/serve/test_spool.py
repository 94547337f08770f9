"""The spool: what is put is there for others and after a restart, in order, within its limit."""

import sqlite3
import subprocess
import sys

import pytest

from serve.spool import Spool

MIB = 1024 * 1024


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spool.db"


def test_packets_come_back_in_order_to_another_process_and_until_they_are_removed(path):
    writer, reader = Spool(path, MIB), Spool(path, MIB)
    for i in range(3):
        writer.put(b"%d" % i, rows=1)

    found = reader.oldest(10)
    reader.remove([found[0].number, found[2].number])

    assert [one.content for one in found] == [b"0", b"1", b"2"]
    assert [one.content for one in writer.oldest(10)] == [b"1"]
    assert writer.rows == 1


def test_as_many_packets_are_taken_as_hold_the_rows_but_one_at_least(path):
    spool = Spool(path, MIB)
    for rows in (3, 4, 500):
        spool.put(b"", rows)

    assert [one.rows for one in spool.oldest(1)] == [3]
    assert [one.rows for one in spool.oldest(4)] == [3, 4]
    assert [one.rows for one in spool.oldest(100, after=2)] == [500]


def test_the_number_of_a_packet_that_was_removed_is_not_given_again(path):
    spool = Spool(path, MIB)
    spool.put(b"a", 1)
    [first] = spool.oldest(1)
    spool.counted = first.number
    spool.remove([first.number])

    spool.put(b"b", 1)

    assert [one.content for one in spool.oldest(1, after=spool.counted)] == [b"b"]


def test_beyond_its_limit_it_takes_nothing_and_goes_on_when_there_is_room(path):
    spool = Spool(path, MIB)

    with pytest.raises(sqlite3.OperationalError, match="full") as raised:
        for _ in range(100):
            spool.put(bytes(100_000), 1)
    assert raised.value.sqlite_errorcode == sqlite3.SQLITE_FULL
    assert not spool.has_room(100_000)
    kept = spool.oldest(100)
    spool.remove([one.number for one in kept])

    assert spool.has_room(100_000)
    spool.put(bytes(100_000), 1)


def test_what_a_killed_process_has_put_is_there(path):
    code = (
        "import os, sys; from pathlib import Path; from serve.spool import Spool\n"
        f"spool = Spool(Path({str(path)!r}), {MIB})\n"
        "for i in range(50): spool.put(b'%d' % i, 1)\n"
        "os.kill(os.getpid(), 9)"
    )

    subprocess.run([sys.executable, "-c", code], check=False)

    assert [one.content for one in Spool(path, MIB).oldest(100)] == [b"%d" % i for i in range(50)]


def test_what_is_rejected_is_put_aside_with_the_reason(path):
    spool = Spool(path, MIB)
    spool.put(b"odd", 1)

    spool.reject(spool.oldest(1)[0], "ValueError: odd")

    assert spool.oldest(1) == []
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT reason, content FROM rejected").fetchall()
    connection.close()
    assert found == [("ValueError: odd", b"odd")]
