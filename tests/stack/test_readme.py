"""What README.md shows of the stack, beside what the other tests start and roll out by."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.readme import BLOCKS
from tests.stack.conftest import OLD
from tests.stack.stack import Stack
from tests.waiting import until

pytestmark = pytest.mark.stack

SHOWN = next(text for language, text in BLOCKS if language == "sh" and "docker inspect" in text)


def test_the_api_is_asked_with_a_key_and_the_log_is_read(stack: Stack, customer: Any):
    told = stack.api().post("/predict", customer).json["prediction_id"]
    until(lambda: told in stack.predictions(), "the log has it")
    command = SHOWN.replace("127.0.0.1:8000", f"127.0.0.1:{stack.ports['load-balancer']}")
    command = command.replace("churn_log", f"{stack.project}_log")
    done = subprocess.run(
        ["sh", "-euc", command],
        cwd=stack.checkout.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert f'"model_version":"{OLD}"' in done.stdout
    rows = json.loads((stack.checkout.folder / "reports/replay.json").read_text())["rows"]
    assert rows["replayed"] == rows["equal"] > 0
