"""What `train` says at its end: what was found, and whether it is worth taking."""

import pytest

from pipelines.train import said


@pytest.mark.parametrize(
    ("method", "score", "text"),
    [
        ("none", -0.4161, "neg_log_loss -0.4161 by cross-validation"),
        (
            "optuna",
            -0.4153,
            "best of 27 trials: neg_log_loss -0.4153; conf/model as it is: neg_log_loss -0.4161",
        ),
        (
            "grid",
            -0.4175,
            "best of 27 trials: neg_log_loss -0.4175; conf/model as it is does no worse: "
            "neg_log_loss -0.4161. It is better left alone",
        ),
    ],
)
def test_what_a_search_found_stands_beside_what_is_configured(method, score, text):
    found = {"method": method, "scoring": "neg_log_loss", "trials": 27, "score": score}

    assert said(found | {"configured_score": -0.4161}) == text
