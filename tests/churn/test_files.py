import hashlib
import json

import pandas as pd
import pyarrow as pa
import pytest

from churn.files import read_parquet, sha256, write_json, write_parquet, write_text, write_whole

TABLE = pa.table(
    {
        "id": ["b", "a"],
        "left": pa.array([True, None]),
        "charge": [0.1, None],
        "plan": pa.array(["x", None]).dictionary_encode(),
    }
)


def test_a_file_is_written_with_the_folders_that_it_needs(tmp_path):
    path = tmp_path / "reports" / "plots" / "a.txt"
    write_text(path, "one\n")
    assert path.read_text() == "one\n"
    assert [*path.parent.iterdir()] == [path]


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_under_its_name(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fails_half_way(unfinished):
        unfinished.write_text("ha")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, fails_half_way)
    assert path.read_text() == "old"
    assert [*tmp_path.glob("a*")] == [path]


def test_a_writer_that_fails_leaves_no_new_file(tmp_path):
    def fails_half_way(unfinished):
        unfinished.write_text("ha")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(tmp_path / "a.txt", fails_half_way)
    assert [path for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


def test_a_file_can_be_written_after_a_writer_failed(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, float("nan"))
    write_text(path, "new")
    assert path.read_text() == "new"
    assert [*tmp_path.iterdir()] == [path]


def test_text_is_utf_8_with_plain_newlines(tmp_path):
    write_text(tmp_path / "a.txt", "Zürich – 5 €\nzwei\n")
    assert (tmp_path / "a.txt").read_bytes() == "Zürich – 5 €\nzwei\n".encode()


def test_json_keeps_the_order_of_keys_the_words_and_every_bit_of_a_float(tmp_path):
    data = {"b": 0.1 + 0.2, "a": ["Zürich", None, True], "c": {"z": 1, "y": 5e-324}}
    write_json(tmp_path / "a.json", data)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == data
    assert [*json.loads(text)] == ["b", "a", "c"]
    assert "Zürich" in text
    assert text.endswith("}\n")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_json_refuses_what_is_no_number_and_leaves_the_old_file(tmp_path, number):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"new": [1.0, number]})
    assert json.loads(path.read_text()) == {"old": 1}


def test_a_table_survives_the_way_to_disk_and_back(tmp_path):
    write_parquet(tmp_path / "a.parquet", TABLE)
    assert read_parquet(tmp_path / "a.parquet").equals(TABLE)


def test_two_writes_of_a_table_give_the_same_bytes(tmp_path):
    write_parquet(tmp_path / "a.parquet", TABLE)
    write_parquet(tmp_path / "other" / "b.parquet", TABLE)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "other/b.parquet").read_bytes()


def test_a_rewritten_table_gives_the_same_bytes(tmp_path):
    write_parquet(tmp_path / "a.parquet", TABLE)
    write_parquet(tmp_path / "b.parquet", read_parquet(tmp_path / "a.parquet"))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_the_metadata_of_pandas_is_left_out(tmp_path):
    table = pa.Table.from_pandas(pd.DataFrame({"x": [1.0]}))
    assert b"pandas" in table.schema.metadata
    write_parquet(tmp_path / "a.parquet", table)
    assert b"pandas" not in (tmp_path / "a.parquet").read_bytes()


def test_the_sha256_is_that_of_the_content(tmp_path):
    content = b"churn" * 100_000
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()
