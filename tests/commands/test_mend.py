"""What a killed run leaves of DVC's own files does not stop the next one."""

from __future__ import annotations

import sys

import pytest

from tests.checkout import Checkout


def mend(checkout: Checkout) -> str:
    return checkout.run(sys.executable, "-m", "commands.mend")


@pytest.mark.parametrize("share", [0, 0.3, 0.99])
def test_a_lock_cut_off_anywhere_does_not_stop_dvc(checkout: Checkout, share: float):
    lock = checkout.folder / "dvc.lock"
    whole = lock.read_bytes()
    lock.write_bytes(whole[: int(share * len(whole))])
    mended = mend(checkout)
    # What is left is either as committed or a shorter lock that DVC reads and completes.
    assert (lock.read_bytes() == whole) == ("as committed again" in mended)
    checkout.run("dvc", "repro", "--quiet")
    assert lock.read_bytes() == whole


def test_a_lock_cut_off_within_a_file_is_as_committed(checkout: Checkout):
    lock = checkout.folder / "dvc.lock"
    whole = lock.read_bytes()
    for end in (b"\n      hash:", b"\n      md5:"):
        lock.write_bytes(whole[: whole.index(end, len(whole) // 3)])
        assert "as committed again" in mend(checkout)
        assert lock.read_bytes() == whole


def test_a_lock_that_was_never_committed_is_taken_away(checkout: Checkout):
    checkout.run("git", "rm", "-q", "--cached", "dvc.lock")
    checkout.run("git", "commit", "-q", "-m", "no lock")
    (checkout.folder / "dvc.lock").write_text("")
    mend(checkout)
    assert not (checkout.folder / "dvc.lock").exists()


def test_a_cut_off_rwlock_is_removed(checkout: Checkout):
    rwlock = checkout.folder / ".dvc/tmp/rwlock"
    rwlock.write_text('{"/data": {"read": [{"pid')
    assert "rwlock" in mend(checkout)
    assert checkout.run("dvc", "repro", "--quiet") == ""


def test_whole_files_are_left_alone(checkout: Checkout):
    before = (checkout.folder / "dvc.lock").read_bytes()
    assert mend(checkout) == ""
    assert (checkout.folder / "dvc.lock").read_bytes() == before
