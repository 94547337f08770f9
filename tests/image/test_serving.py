"""What the server in the container answers is what the server outside does."""

from __future__ import annotations

import json

import pytest

from tests.image.conftest import Inside
from tests.image.contained import Contained
from tests.waiting import until

pytestmark = pytest.mark.image


def test_golden_customers_have_their_probabilities_to_the_last_bit(
    server: Contained, inside: Inside
):
    assert inside.bundle.golden
    expected = [one.hex() for one in inside.bundle.golden.probabilities]

    batch = server.post("/predict/batch", inside.requests)
    singles = [server.post("/predict", one) for one in inside.requests[:10]]

    assert batch.status == 200, batch.body
    found = [one["churn_probability"] for one in batch.json["predictions"]]
    assert [one.hex() for one in found] == expected
    assert [one.json["churn_probability"].hex() for one in singles] == expected[:10]


def test_it_answers_under_the_version_that_the_image_has(server: Contained, inside: Inside):
    known = json.loads((inside.folder / "origin.json").read_text())

    answer, info = server.post("/predict", inside.requests[0]).json, server.get("/info").json

    assert answer["model_version"] == info["model_version"] == known["version"]
    assert info["bundle_sha256"] == inside.bundle.sha256
    assert info["metrics"] == known["evaluation"]
    created = server.metric("churn_model_created_seconds")
    assert created == known["created"]


def test_outcomes_are_recorded(server: Contained, inside: Inside):
    answer = server.post("/predict", inside.requests[0]).json
    outcome = {
        "prediction_id": answer["prediction_id"],
        "churned": True,
        "observed_at": answer["timestamp"],
    }

    told = server.post("/feedback", outcome)

    assert told.json["recorded"] == 1, told.body


def test_the_pages_need_nothing_from_elsewhere(server: Contained):
    paths = ("/docs", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/favicon.png")
    assert {server.get(path).status for path in (*paths, "/openapi.json", "/metrics")} == {200}


def test_docker_sees_that_it_is_healthy(server: Contained):
    until(lambda: server.state("Health.Status") == "healthy", "healthy")
