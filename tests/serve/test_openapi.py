"""The description of the API: made from the contract, and true of what is answered."""

import json

import orjson
import pytest

from churn.risk import LEVELS
from serve.answers import Answers
from serve.batches import BatchOptions, answered_bytes
from serve.generations import Generation
from serve.keys import Keyring, read_keys
from serve.openapi import document
from serve.routes import PATHS
from tests.serve.models import CUST001, SETTINGS, TEST001, changed, generation, lineup
from tests.small import TELCO

NAMES = ["telco", "shop", "limitless", "without id"]
each = pytest.mark.parametrize("name", NAMES)


def _document(name="telco", keys=(), has_probes=True):
    generation = Generation(1, lineup(name), Keyring(keys), None)
    described = document(generation, SETTINGS, has_probes=has_probes)
    # What leaves is JSON.
    return json.loads(orjson.dumps(described))


def _schemas(name="telco"):
    return _document(name)["components"]["schemas"]


def _references(content):
    if isinstance(content, dict):
        found = [content["$ref"]] if "$ref" in content else []
        return found + [one for value in content.values() for one in _references(value)]
    return [one for value in content for one in _references(value)] if type(content) is list else []


def fits(schema, value, schemas):
    """Whether a value has the shape that a schema tells: the keywords that ours use for shapes."""
    if "$ref" in schema:
        return fits(schemas[schema["$ref"].rpartition("/")[2]], value, schemas)
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": int | float,
        "boolean": bool,
        "null": type(None),
    }
    wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(
        isinstance(value, kinds[kind]) and (kind == "boolean") == isinstance(value, bool)
        for kind in wanted
    ):
        return False
    if isinstance(value, list):
        return all(fits(schema["items"], one, schemas) for one in value)
    if not isinstance(value, dict):
        return value in schema.get("enum", [value])
    known = schema["properties"]
    return (
        {*schema.get("required", ())} <= value.keys() <= known.keys()
        and all(fits(known[name], one, schemas) for name, one in value.items())
    )  # fmt: skip


@each
def test_every_reference_leads_somewhere_and_everything_is_used(name):
    found = _document(name)

    used = {one.rpartition("/")[2] for one in _references(found)}
    assert used == {*found["components"]["schemas"]}


def test_every_path_of_the_api_is_described_but_the_description():
    assert {*_document()["paths"]} == {*PATHS} - {"/openapi.json", "/docs"}
    assert {*_document(has_probes=False)["paths"]} == (
        {*_document()["paths"]} - {"/health", "/ready", "/metrics"}
    )


@each
def test_each_field_has_its_description_range_unit_and_words(name):
    contract = lineup(name).champion.bundle.manifest.contract
    properties = _schemas(name)["Customer"]["properties"]

    names = [*([contract.id] if contract.id else []), *contract.known_columns]
    assert [*properties] == names
    for field in contract.known_columns:
        column, told = contract.columns[field], properties[field]
        assert ("null" in told["type"]) != column.required
        assert told.get("x-unit") == column.unit
        assert column.unit is None or column.unit in told["description"]
        for word in getattr(column, "values", None) or ():
            assert word in told["enum"]


def test_the_embedded_tables_fields_are_told_in_full():
    told = _schemas()["Customer"]["properties"]

    assert told["age"] == {
        "type": "integer",
        "minimum": 18,
        "maximum": 100,
        "description": "Age of the customer, in years: integer from 18 to 100 years.",
        "x-unit": "years",
    }
    assert told["monthly_charges"]["exclusiveMinimum"] == 0
    assert told["contract"]["enum"] == ["Month-to-month", "One year", "Two year", None]
    assert told["tv_service"]["type"] == ["boolean", "null"]
    assert _schemas()["Customer"]["required"] == [
        "customer_id",
        "age",
        "tenure_months",
        "monthly_charges",
        "support_calls",
    ]


def test_a_description_keeps_its_capitals(monkeypatch):
    given = generation()
    champion = given.lineup.champion
    contract = changed(TELCO, age={"description": "age as the CRM in Oslo has it"})
    manifest = champion.bundle.manifest.model_copy(update={"contract": contract})
    monkeypatch.setattr(champion.bundle, "manifest", manifest)

    described = document(given, SETTINGS, has_probes=True)
    properties = described["components"]["schemas"]["Customer"]["properties"]

    assert properties["age"]["description"].startswith("Age as the CRM in Oslo has it, in years:")


@each
def test_the_examples_work(name):
    line, schemas = lineup(name), _schemas(name)
    answers = Answers.of(line.champion.customers, SETTINGS)
    (one,), (rows,), (columns,) = (
        schemas[kind]["examples"] for kind in ("Customer", "Customers", "Columns")
    )

    for content in ([one], rows, columns):
        found = answered_bytes(orjson.dumps(content), line, answers, BatchOptions(), 10, "id")
        assert (found.status, json.loads(found.body)["total_customers"]) == (200, 1)
    assert fits(schemas["Customer"], one, schemas)
    assert fits(schemas["Columns"], columns, schemas)


@each
def test_answers_are_as_they_are_described(name):
    line, schemas = lineup(name), _schemas(name)
    answers = Answers.of(line.champion.customers, SETTINGS)
    sent = [line.champion.example, {"x": 1}, 3]
    raw = orjson.dumps(sent)

    for options, kind in (
        (BatchOptions(explain=2, skip=True), "Predictions"),
        (BatchOptions(), "Error"),
    ):
        found = answered_bytes(raw, line, answers, options, 10, "id")
        assert fits(schemas[kind], json.loads(found.body), schemas)
    levels = schemas["Prediction"]["properties"]["risk_level"]["enum"]
    assert levels == [*LEVELS]


@pytest.mark.parametrize("given_", [CUST001, TEST001], ids=lambda one: one["customer_id"])
def test_what_must_be_taken_is_described_as_taken(given_):
    schemas = _schemas()

    assert fits(schemas["Customer"], given_, schemas)
    assert not fits(schemas["Customer"], {**given_, "x": 1}, schemas)


def test_keys_are_asked_for_where_there_are_some():
    keys = read_keys({"CHURN_API_KEYS": "correct-horse-battery"})

    assert "security" not in _document()["paths"]["/predict"]["post"]
    found = _document(keys=keys)["paths"]
    for path, method in (("/predict", "post"), ("/predict/batch", "post"), ("/info", "get")):
        assert found[path][method]["security"] == [{"key": []}]
    assert "security" not in found["/health"]["get"]
