"""Packages that a process cannot import any more."""

import subprocess
import sys

from tests.checkout import ROOT

PROGRAM = """
from churn.lean import keep_out
keep_out("email", "wave", "xml.sax")
import json
for name in ("email", "email.message", "wave", "colorsys", "xml.dom", "xml.sax"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        print(error.name)
"""


def test_what_is_kept_out_is_as_if_it_were_not_installed():
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["email", "email", "wave", "xml.sax"]
