"""What the endpoints answer: word for word, and to the last bit."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from churn.reasons import reasons
from tests.serve.conftest import Customers, Model, Serving
from tests.serve.running import SETTINGS, Running, command_line

SHORT = {
    "customer_id": "CUST001",
    "age": 42,
    "tenure_months": 24,
    "monthly_charges": 89.99,
    "total_charges": 2159.76,
    "support_calls": 2,
}
LONG = {
    **SHORT,
    "customer_id": "TEST001",
    "internet_service": "Fiber",
    "contract": "One year",
    "payment_method": "Electronic check",
}


AGES = "integer from 18 to 100 years"


def bits(probabilities: list[float]) -> list[str]:
    return [one.hex() for one in probabilities]


def scored(model: Model, customers: Customers) -> list[str]:
    return bits(model.scorer.probabilities(customers.columns).tolist())


def probabilities(answer: dict) -> list[str]:
    return bits([one["churn_probability"] for one in answer["predictions"]])


@pytest.mark.parametrize("customer", [SHORT, LONG])
def test_one_customer(server: Running, telco: Model, customer: dict):
    reply = server.post("/predict", customer)

    answer = reply.json
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    names = ["customer_id", "churn_probability", "will_churn", "risk_level", "recommendation"]
    assert [*answer] == [*names, "timestamp", "prediction_id", "model_version"]
    assert answer["customer_id"] == customer["customer_id"]
    assert answer["model_version"] == telco.version
    assert uuid.UUID(answer["prediction_id"]).version == 7
    assert answer["timestamp"].endswith("Z")
    assert datetime.fromisoformat(answer["timestamp"]).utcoffset() == timedelta(0)


def test_levels_and_recommendations(server: Running, telco: Model, customers: Customers):
    answer = server.post("/predict/batch", customers.requests).json

    assert {one["risk_level"] for one in answer["predictions"]} == {"low", "medium", "high"}
    for one in answer["predictions"]:
        p = one["churn_probability"]
        level = "high" if p >= 0.7 else "medium" if p >= 0.3 else "low"
        assert one["risk_level"] == level
        assert one["recommendation"] == SETTINGS["recommendation"][level]
        assert one["will_churn"] == (p >= telco.scorer.bundle.manifest.threshold)


def test_single_requests_have_the_scorers_bits(server: Running, telco: Model, customers: Customers):
    few = customers.some(150)

    answers = [server.post("/predict", one).json for one in few.requests]

    assert bits([one["churn_probability"] for one in answers]) == scored(telco, few)


@pytest.mark.parametrize("count", [1, 2, 600, 2000, 2001, 10_000])
@pytest.mark.parametrize("form", ["rows", "columns"])
def test_batches_have_the_scorers_bits(
    server: Running, telco: Model, customers: Customers, count: int, form: str
):
    many = customers.some(count)
    body = many.requests if form == "rows" else {"columns": many.as_columns()}

    reply = server.post("/predict/batch", body)

    answer = reply.json
    assert reply.status == 200
    assert [*answer] == ["predictions", "total_customers", "high_risk_count"]
    assert answer["total_customers"] == count
    levels = [one["risk_level"] for one in answer["predictions"]]
    assert answer["high_risk_count"] == levels.count("high")
    ids = [one["customer_id"] for one in answer["predictions"]]
    assert ids == [one["customer_id"] for one in many.requests]
    assert len({one["prediction_id"] for one in answer["predictions"]}) == count
    assert probabilities(answer) == scored(telco, many)


def test_few_customers_in_many_bytes_have_the_scorers_bits(
    server: Running, telco: Model, customers: Customers
):
    few = customers.some(500)
    body = json.dumps(few.requests).replace(", ", "," + " " * 100).encode()
    assert len(body) > 512 * 1024

    reply = server.post("/predict/batch", body)

    assert probabilities(reply.json) == scored(telco, few)


def test_columns_may_leave_out_what_is_optional(server: Running):
    columns = {name: [value] for name, value in SHORT.items()}

    reply = server.post("/predict/batch", {"columns": columns})

    alone = server.post("/predict", SHORT).json["churn_probability"]
    assert [one["churn_probability"] for one in reply.json["predictions"]] == [alone]


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_reasons_are_those_of_the_report(
    server: Running, telco: Model, customers: Customers, path: str
):
    one = customers.some(1)
    expected = [asdict(reason) for reason in reasons(telco.scorer, one.columns, 3)[0]]

    body = one.requests if "batch" in path else one.requests[0]
    answer = server.post(f"{path}?explain=3", body).json

    found = answer["predictions"][0] if "batch" in path else answer
    assert found["reasons"] == json.loads(json.dumps(expected))
    assert len(found["reasons"]) == 3


def test_good_customers_of_a_batch_are_scored_if_asked_for(
    server: Running, telco: Model, customers: Customers
):
    body = [customers.requests[0], {"customer_id": "C", "age": 7}, customers.requests[2]]

    answer = server.post("/predict/batch?on_error=skip", body).json

    assert [one["index"] for one in answer["predictions"]] == [0, 2]
    rows = scored(telco, customers.some(3))
    assert probabilities(answer) == [rows[0], rows[2]]
    assert (answer["total_customers"], answer["skipped_customers"]) == (2, 1)
    assert {one["index"] for one in answer["problems"]} == {1}
    first = {"index": 1, "field": "age", "problem": "7 is too low", "allowed": AGES}
    assert answer["problems"][0] == first


def test_an_optional_field_may_be_null(server: Running):
    absent = server.post("/predict", SHORT).json
    null = server.post("/predict", {**SHORT, "contract": None, "phone_service": None}).json

    assert null["churn_probability"] == absent["churn_probability"]


def test_it_is_healthy_and_ready(server: Running):
    assert server.get("/health").json == {"status": "healthy", "model_loaded": True}
    assert server.get("/ready").json == {"ready": True, "missing": []}


def test_info_tells_of_the_model(server: Running, telco: Model):
    info = server.get("/info").json

    manifest = telco.scorer.bundle.manifest
    assert info["model_version"] == telco.version
    assert info["bundle_sha256"] == telco.scorer.bundle.sha256
    assert info["decision_threshold"] == manifest.threshold
    provenance = manifest.provenance.model_dump()
    assert provenance
    assert {name: info[name] for name in provenance} == provenance
    assert info["contract"]["columns"]["age"]["max"] == 100
    assert info["risk"] == SETTINGS["risk"]


def test_info_tells_what_was_measured_of_this_bundle(serving: Serving, telco: Model, tmp_path):
    reports = tmp_path / "server-0" / "reports"
    reports.mkdir(parents=True)
    details = {"bundle_sha256": telco.scorer.bundle.sha256, "intervals": {"roc_auc": [0.7, 0.9]}}
    (reports / "evaluation.json").write_text(json.dumps(details))
    metrics = {"n": 400, "churners": 100, "roc_auc": 0.8}
    (reports / "metrics.json").write_text(json.dumps(metrics))

    assert serving(telco).get("/info").json["metrics"] == {
        "customers": 400,
        "churners": 100,
        "metrics": {"roc_auc": {"value": 0.8, "low": 0.7, "high": 0.9}},
    }


@pytest.mark.parametrize("path", ["/health", "/ready", "/info", "/metrics", "/docs"])
def test_head_has_the_length_and_no_body(server: Running, path: str):
    reply = server.ask("HEAD", path)

    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["content-length"]) > 0


def test_a_request_keeps_the_id_it_came_with(server: Running):
    assert server.get("/health", X_Request_ID="crm-17").headers["x-request-id"] == "crm-17"
    refused = server.post("/predict", {}, X_Request_ID="crm-18")
    assert refused.headers["x-request-id"] == refused.json["request_id"] == "crm-18"


def test_a_request_without_a_usable_id_gets_one(server: Running):
    ids = {server.get("/health").headers["x-request-id"] for _ in range(20)}
    unusable = server.get("/health", X_Request_ID="no spaces").headers["x-request-id"]

    assert len(ids) == 20
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in [*ids, unusable])


def test_the_page_brings_all_its_files(server: Running):
    page = server.get("/docs")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    names = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())
    assert len(names) == 4
    for name in names:
        assert server.get(f"/{name}").status == 200, name
    assert not re.search("https?://", page.body.decode())


def test_the_examples_of_the_description_work(server: Running):
    document = server.get("/openapi.json").json

    schemas = document["components"]["schemas"]
    paths = {"Customer": "/predict", "Customers": "/predict/batch", "Columns": "/predict/batch"}
    for name, path in paths.items():
        for example in schemas[name]["examples"]:
            assert server.post(path, example).status == 200, name


def test_the_description_has_what_the_contract_says(server: Running):
    properties = server.get("/openapi.json").json["components"]["schemas"]["Customer"]["properties"]

    age = properties["age"]
    assert [age[name] for name in ("type", "minimum", "maximum")] == ["integer", 18, 100]
    assert age["x-unit"] == "years"
    assert age["description"] == f"Age of the customer, in years: {AGES}."
    assert properties["contract"]["enum"] == ["Month-to-month", "One year", "Two year", None]


def test_another_tables_bundle_is_another_api(serving: Serving, gym: Model):
    server = serving(gym)
    member = {"member": "M1", "visits": 3, "fee": 39.5, "sauna": True, "trainer": "Ann"}

    answer = server.post("/predict", member).json
    refused = server.post("/predict", SHORT).json
    schema = server.get("/openapi.json").json["components"]["schemas"]["Customer"]

    columns = {
        "visits": np.array([3.0]),
        "fee": np.array([39.5]),
        "sauna": np.array([1.0]),
        "trainer": np.array(["Ann"], dtype=object),
    }
    assert answer["member"] == "M1"
    assert answer["churn_probability"] == gym.scorer.probabilities(columns)[0]
    assert {one["field"] for one in refused["problems"]} >= {"member", "visits", "age"}
    assert [*schema["properties"]] == ["member", "visits", "fee", "sauna", "trainer"]


def test_levels_and_words_are_the_teams_to_choose(serving: Serving, telco: Model):
    words = {"low": "Nothing", "medium": "Call", "high": "Run"}
    server = serving(telco, risk={"medium": 0.0, "high": 1.0}, recommendation=words, processes=1)

    answer = server.post("/predict", SHORT).json

    assert (answer["risk_level"], answer["recommendation"]) == ("medium", "Call")


HEAVY = ("pandas", "sklearn", "pyarrow", "libarrow", "mlflow")


def test_no_process_has_what_only_the_pipeline_needs(
    serving: Serving, telco: Model, customers: Customers
):
    # Python itself writes down what is imported, in every process.
    server = serving(telco, environment={"PYTHONPROFILEIMPORTTIME": "1"})
    for path in ("/docs", "/openapi.json", "/metrics", "/info"):
        assert server.get(path).status == 200
    assert server.post("/predict/batch?explain=2", customers.some(2500).requests).status == 200
    assert server.post("/predict?explain=1", SHORT).status == 200

    assert len(server.apis()) == 2
    assert server.worker()
    for pid in server.processes():
        mapped = Path(f"/proc/{pid}/maps").read_text()
        assert not [name for name in HEAVY if f"/{name}" in mapped], command_line(pid)
    imported = re.findall(r"^import time:.*\| *(\S+)$", server.log(), re.MULTILINE)
    assert "xgboost.core" in imported
    # Of a module whose import is refused the name alone is written.
    assert not [one for one in imported if one.startswith(tuple(f"{name}." for name in HEAVY))]
