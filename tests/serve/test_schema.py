"""The API against its description: what that allows is answered, what it does not is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.parameters import ParameterLocation

from churn.fields import TEXT
from tests.serve.conftest import Model, Serving
from tests.serve.running import Running
from tests.serve.test_access import ADMIN, KEYS

# Examples of each mode; a reload loads the model anew every time.
OPERATIONS = {
    ("POST", "/predict"): 100,
    ("POST", "/predict/batch"): 60,
    ("POST", "/feedback"): 20,
    ("GET", "/info"): 10,
    ("GET", "/health"): 10,
    ("GET", "/ready"): 10,
    ("GET", "/metrics"): 10,
    ("POST", "/admin/reload"): 3,
}
BODIES = (("POST", "/predict"), ("POST", "/predict/batch"), ("POST", "/feedback"))
# The pattern of text, by what it leaves out: hypothesis takes minutes to list all that is in it.
CONTROL = "\x7f-\xa0\ufffe\uffff"
EDGE, INNER = f"[^\x00-\x20{CONTROL}]", f"[^\x00-\x1f{CONTROL}]"


@pytest.fixture(scope="module")
def locked(serving_all: Serving, telco: Model) -> Running:
    """A server with keys, so that what the description says of them is tried too."""
    return serving_all(telco, environment=KEYS, processes=1)


@pytest.fixture(scope="module")
def description(locked: Running) -> schemathesis.BaseSchema:
    body = locked.get("/openapi.json").body
    shipped, meant = f"^(?:{TEXT.pattern})$", f"^{EDGE}(?:{INNER}*{EDGE})?$"
    schema = json.loads(body.replace(shipped.encode(), json.dumps(meant)[1:-1].encode()))
    found = schemathesis.openapi.from_dict(schema)
    found.config.update(base_url=f"http://127.0.0.1:{locked.port}")
    return found


def evened(case: Case) -> Case:
    """Columns of one length, which JSON Schema cannot ask for."""
    if isinstance(case.body, dict) and "columns" in case.body:
        columns = case.body["columns"]
        rows = min(map(len, columns.values()))
        case.body = {"columns": {name: values[:rows] for name, values in columns.items()}}
    return case


def past(case: Case) -> Case:
    """Moments that have passed, which JSON Schema cannot ask for."""
    for one in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(one, dict) and "observed_at" in one:
            one["observed_at"] = "2026-01-31T00:00:00Z"
    return case


def allowed(case: Case) -> Case:
    """What is allowed, also where JSON Schema cannot say it."""
    return past(evened(case))


def strict(case: Case) -> Case:
    """With `skip`, customers that are not allowed are told of and the batch is answered."""
    if case.query and case.query.get("on_error") == "skip":
        del case.query["on_error"]
    return case


def arrives(case: Case) -> bool:
    """Whether what is wrong with a case is wrong on the wire.

    The key is sent whatever became of its header, and of a query empty lists and nulls are not.
    """
    assert case.meta is not None
    wrong = [at for at, one in case.meta.components.items() if one.mode == GenerationMode.NEGATIVE]
    query = case.query or {}
    is_sent = bool(query) and all(sent_as({name: value}) for name, value in query.items())
    return ParameterLocation.BODY in wrong or (ParameterLocation.QUERY in wrong and is_sent)


def sent_as(query: Mapping[str, object]) -> str:
    """The query as it is on the wire."""
    url = requests.Request("GET", "http://localhost", params=dict(query)).prepare().url
    return urlsplit(url or "").query


def test_every_operation_is_described(description: schemathesis.BaseSchema):
    found = [one.ok() for one in description.get_all_operations()]

    assert {(one.method.upper(), one.path) for one in found} == {*OPERATIONS}


@pytest.mark.parametrize(
    ("mode", "method", "path"),
    [
        *((GenerationMode.POSITIVE, *one) for one in OPERATIONS),
        # Of the others nothing can be wrong.
        *((GenerationMode.NEGATIVE, *one) for one in OPERATIONS if one in BODIES),
    ],
)
def test_every_operation_does_what_is_described(
    description: schemathesis.BaseSchema, method: str, path: str, mode: GenerationMode
):
    operation = description[path][method]
    cases = operation.as_strategy(generation_mode=mode)

    @settings(
        max_examples=OPERATIONS[method, path],
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(
        cases.map(allowed) if mode == GenerationMode.POSITIVE else cases.map(strict).filter(arrives)
    )
    def answered(case: Case) -> None:
        case.call_and_validate(headers={"X-API-Key": ADMIN})

    answered()
