"""make pull: what others have pushed, as far as it can be had."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.checkout import Checkout


@pytest.mark.whole
def test_outs_and_experiments_come_as_far_as_they_can_be_had(checkout: Checkout, tmp_path: Path):
    origin, store = tmp_path / "origin", str(tmp_path / "store")
    pull = (sys.executable, "-m", "commands.pull")
    # Nobody has pushed anything anywhere: that is no mistake.
    done = checkout.attempt(*pull)
    assert (done.returncode, done.stdout) == (
        0,
        "There is no DVC remote; what is missing is built.\n",
    )
    checkout.run("git", "clone", "-q", "--bare", ".", str(origin))
    checkout.run("git", "remote", "add", "origin", str(origin))
    checkout.run("dvc", "remote", "add", "-q", "--local", "-d", "store", store)
    checkout.run("dvc", "exp", "save", "-q", "--name", "tried")
    checkout.run("dvc", "push", "-q")
    checkout.run("dvc", "exp", "push", "-q", "--no-cache", "origin", "tried")
    checkout.run("git", "clone", "-q", str(origin), str(tmp_path / "colleague"))
    colleague = Checkout(tmp_path / "colleague")
    colleague.run("dvc", "remote", "add", "-q", "--local", "-d", "store", store)

    colleague.run(*pull)

    assert colleague.run("dvc", "status", "-q") == ""
    assert "tried" in colleague.run("dvc", "exp", "list")
    # Remotes that are gone are warned of, and the work goes on.
    shutil.rmtree(origin)
    done = colleague.attempt(*pull)
    assert done.returncode == 0
    assert "warning: experiments could not be fetched: " in done.stderr
