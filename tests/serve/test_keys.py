"""Keys: the right ones are let in, and only their hashes are kept."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.errors import UnusableKeys
from serve.keys import Keyring, read_keys
from serve.shared import MOST_KEYS

ONE, OTHER, THIRD = "correct-horse-battery", "staple-0123456789abc", "admin-key-0123456789"


def _in_file(path, text):
    path.write_text(text)
    return read_keys({"CHURN_API_KEYS_FILE": str(path)})


def test_each_key_is_found_among_several_and_no_other():
    ring = Keyring(read_keys({"CHURN_API_KEYS": f"{ONE},crm:{OTHER}, admin:{THIRD}"}))

    assert [ring.find(key.encode()) for key in (ONE, OTHER, THIRD)] == [0, 1, 2]
    assert [one.name for one in ring.keys] == ["key 1", "crm", "admin"]
    for wrong in (
        None,
        b"",
        b"crm",
        ONE[:-1].encode(),
        f"{ONE} ".encode(),
        f"crm:{OTHER}".encode(),
    ):
        assert ring.find(wrong) is None


@given(st.binary(max_size=40))
def test_whatever_is_sent_that_is_no_key_is_nobodys(sent):
    ring = Keyring(read_keys({"CHURN_API_KEYS": f"{ONE},{OTHER}"}))

    assert (ring.find(sent) is None) == (sent not in {ONE.encode(), OTHER.encode()})


def test_without_keys_nobody_has_one():
    assert read_keys({}) == ()
    assert read_keys({"CHURN_API_KEYS": "", "CHURN_API_KEYS_FILE": ""}) == ()
    assert Keyring(()).find(ONE.encode()) is None


def test_only_hashes_are_kept():
    ring = Keyring(read_keys({"CHURN_API_KEYS": f"crm:{ONE}"}))

    assert ring.keys[0].sha256 == hashlib.sha256(ONE.encode()).hexdigest()
    assert ONE not in f"{ring.keys!r} {vars(ring)!r}"


def test_a_file_has_a_key_a_line_with_comments_and_names(tmp_path):
    keys = _in_file(tmp_path / "keys", f"# ours\n\n  crm:{ONE}  \nshop : {OTHER}\r\n{THIRD}\n")

    assert [one.name for one in keys] == ["crm", "shop", "key 3"]
    assert [Keyring(keys).find(one.encode()) for one in (ONE, OTHER, THIRD)] == [0, 1, 2]


def test_a_file_goes_before_the_variable(tmp_path):
    (tmp_path / "keys").write_text(ONE)
    keys = read_keys({"CHURN_API_KEYS_FILE": str(tmp_path / "keys"), "CHURN_API_KEYS": OTHER})

    assert Keyring(keys).find(OTHER.encode()) is None
    assert Keyring(keys).find(ONE.encode()) == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "0 keys; there can be 1 to 64"),
        ("# nothing\n", "0 keys; there can be 1 to 64"),
        ("\n".join([ONE] * (MOST_KEYS + 1)), "65 keys; there can be 1 to 64"),
        ("short", "key 1 is shorter than 16 ASCII characters"),
        (f"{ONE}\ncrm:", "key 2 is shorter than 16 ASCII characters"),
        ("schlüssel-schlüssel", "key 1 is shorter than 16 ASCII characters"),
    ],
    ids=lambda one: one[:20],
)
def test_unusable_keys_are_told_without_the_key(tmp_path, text, why):
    path = tmp_path / "keys"
    with pytest.raises(UnusableKeys, match=f"{re.escape(str(path))}: {why}") as refused:
        _in_file(path, text)
    assert "schl" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    path = tmp_path / "keys"
    with pytest.raises(UnusableKeys, match=r"keys: it cannot be read .*No such file"):
        read_keys({"CHURN_API_KEYS_FILE": str(path)})
    path.write_bytes(b"\xff" * 20)
    with pytest.raises(UnusableKeys, match=r"keys: it cannot be read .*utf-8"):
        read_keys({"CHURN_API_KEYS_FILE": str(path)})


@pytest.mark.parametrize("text", [",", " , "])
def test_a_variable_of_separators_only_is_no_permission_for_everybody(text):
    with pytest.raises(UnusableKeys, match="CHURN_API_KEYS: 0 keys"):
        read_keys({"CHURN_API_KEYS": text})
