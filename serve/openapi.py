"""The description of the API for programs (OpenAPI 3.1), made from the contract in the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from churn.contract import Contract
from churn.fields import Field
from churn.risk import LEVELS
from churn.settings import ServeSettings
from serve.customers import Customers
from serve.feedback import feedback_schemas
from serve.generations import Generation
from serve.predicting import MOST_BYTES_BATCH, MOST_BYTES_ONE, MOST_REASONS, ON_ERROR
from serve.reloading import ADMIN

Schema = dict[str, Any]

ABOUT = """The probability that a customer of the table `{table}` leaves, and what to do about it.

Every answer names the model that made it. Errors are JSON: a word for programs, a message for
people, and for each value that is not allowed its field, what is wrong, and what is allowed.
Bodies are JSON in UTF-8, up to {one} KiB for one customer and {batch} MiB for a batch."""


def document(generation: Generation, settings: ServeSettings, *, has_probes: bool) -> Schema:
    """The whole description; probes and metrics are in it if they are on the same port."""
    champion = generation.lineup.champion
    customers, contract = champion.customers, champion.bundle.manifest.contract
    sizes = {"one": MOST_BYTES_ONE // 1024, "batch": MOST_BYTES_BATCH // 1024**2}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Churn of {contract.name} customers",
            "version": champion.version,
            "description": ABOUT.format(table=contract.name, **sizes),
        },
        "paths": _paths(bool(generation.keyring.keys), has_probes, settings),
        "components": {
            "schemas": {
                **_requests(customers, contract, champion.example, settings),
                **_answers(customers),
                **feedback_schemas(customers.id, settings.max_batch),
            },
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        },
    }


def _customer(customers: Customers, contract: Contract, sample: Mapping[str, Any]) -> Schema:
    properties = {one.name: _property(one, contract) for one in customers.all}
    return {
        "type": "object",
        "properties": properties,
        "required": [one.name for one in customers.all if one.required],
        "additionalProperties": False,
        "examples": [sample],
    }


def _property(field: Field, contract: Contract) -> Schema:
    if field.name not in contract.columns:
        return {**field.schema, "description": "The customer's id; it comes back in the answer."}
    column = contract.columns[field.name]
    # Not capitalize, which would write GB as gb.
    about = column.description or field.name
    unit = f", in {column.unit}" if column.unit else ""
    words = {"description": f"{about[:1].upper()}{about[1:]}{unit}: {field.allowed}."}
    if column.unit:
        words["x-unit"] = column.unit
    return {**_nullable(field), **words}


def _nullable(field: Field) -> Schema:
    """Null is what an absent value is, where the field may be absent."""
    if field.required:
        return field.schema
    schema = {**field.schema, "type": [field.schema["type"], "null"]}
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _requests(
    customers: Customers, contract: Contract, sample: Mapping[str, Any], settings: ServeSettings
) -> Schema:
    most = settings.max_batch
    lists = {
        one.name: {"type": "array", "items": _nullable(one), "minItems": 1, "maxItems": most}
        for one in customers.all
    }
    return {
        "Customer": _customer(customers, contract, sample),
        "Customers": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Customer"},
            "minItems": 1,
            "maxItems": most,
            "examples": [[sample]],
        },
        "Columns": {
            "type": "object",
            "description": "The same as columns, all of one length: quicker for many customers.",
            "properties": {
                "columns": {
                    "type": "object",
                    "properties": lists,
                    "required": [one.name for one in customers.all if one.required],
                    "additionalProperties": False,
                }
            },
            "required": ["columns"],
            "additionalProperties": False,
            "examples": [{"columns": {name: [value] for name, value in sample.items()}}],
        },
    }


def _answers(customers: Customers) -> Schema:
    who = {customers.id.name: {"type": "string"}} if customers.id else {}
    prediction = {
        **who,
        "churn_probability": {"type": "number", "minimum": 0, "maximum": 1},
        "will_churn": {"type": "boolean", "description": "The decision threshold is reached."},
        "risk_level": {"type": "string", "enum": [*LEVELS]},
        "recommendation": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
        "prediction_id": {"type": "string", "format": "uuid"},
        "model_version": {"type": "string"},
    }
    reason = {
        "input": {"type": "string", "description": "A field, or a feature made from fields."},
        "value": {"type": "string", "description": "What the customer has, in words."},
        "contribution": {"type": "number", "description": "In log-odds; above 0 it drives away."},
    }
    more = {
        "reasons": {"type": "array", "items": _object(reason), "description": "With ?explain=."},
        "index": {"type": "integer", "description": "With ?on_error=skip: place in the request."},
    }
    problem = {
        "index": {"type": "integer", "description": "Place of the customer in the batch."},
        "field": {"type": ["string", "null"]},
        "problem": {"type": "string"},
        "allowed": {"type": "string"},
    }
    problems = {"type": "array", "items": _object(problem, optional=("index",))}
    batch = {
        "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}},
        "total_customers": {"type": "integer", "description": "Customers scored."},
        "high_risk_count": {"type": "integer"},
        "skipped_customers": {"type": "integer", "description": "With ?on_error=skip."},
        "problems": problems,
    }
    error = {
        "error": {"type": "string", "description": "A word for programs."},
        "message": {"type": "string"},
        "request_id": {"type": "string"},
        "problems": problems,
    }
    return {
        "Prediction": _object({**prediction, **more}, optional=(*more,)),
        "Predictions": _object(batch, optional=("skipped_customers", "problems")),
        "Error": _object(error, optional=("problems",)),
        "Health": _object({"status": {"type": "string"}, "model_loaded": {"type": "boolean"}}),
        "Readiness": _object(
            {
                "ready": {"type": "boolean"},
                "missing": {"type": "array", "items": {"type": "string"}},
            }
        ),
        "Reloaded": _object({"model_version": {"type": "string"}}),
    }


def _object(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _content(*names: str) -> Schema:
    schemas = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {"application/json": {"schema": schema}}


def _responses(answer: str, refusals: Mapping[int, str]) -> Schema:
    refused = {
        str(status): {"description": words, "content": _content("Error")}
        for status, words in refusals.items()
    }
    return {"200": {"description": "Answered", "content": _content(answer)}, **refused}


PREDICTIONS, OPERATIONS = "Predictions", "Model and operations"
REFUSALS = {
    401: "No valid key",
    408: "The body came too slowly",
    413: "The body is too large",
    415: "The body is no JSON",
    422: "Not allowed: see the problems",
    429: "More requests than the key may send: see Retry-After",
    503: "Too busy, or not ready: see Retry-After",
    504: "No answer in time",
}
UNREAD = {status: words for status, words in REFUSALS.items() if status in (401, 422, 429, 503)}
EXPLAIN = {
    "name": "explain",
    "in": "query",
    "description": "How many reasons to give, the strongest first.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_REASONS},
}
SKIP = {
    "name": "on_error",
    "in": "query",
    "description": "`skip` scores the customers without problems although others have some.",
    "schema": {"type": "string", "enum": [*ON_ERROR], "default": ON_ERROR[0]},
}


def _paths(has_keys: bool, has_probes: bool, settings: ServeSettings) -> Schema:
    security: Schema = {"security": [{"key": []}]} if has_keys else {}
    return {
        **_predictions(settings, security),
        "/info": _info(security),
        **(_probes() if has_probes else {}),
        "/admin/reload": _reload(),
    }


def _predictions(settings: ServeSettings, security: Schema) -> Schema:
    most = settings.max_batch

    def post(summary: str, *bodies: str, answer: str, parameters: list[Schema]) -> Schema:
        told = {
            "summary": summary,
            "tags": [PREDICTIONS],
            **security,
            "parameters": parameters,
            "requestBody": {"required": True, "content": _content(*bodies)},
            "responses": _responses(answer, REFUSALS),
        }
        return {"post": told}

    one = post("One customer", "Customer", answer="Prediction", parameters=[EXPLAIN])
    many = post(
        f"Up to {most} customers, as a list or as columns",
        *("Customers", "Columns"),
        answer="Predictions",
        parameters=[EXPLAIN, SKIP],
    )
    outcomes = post(
        f"What became of customers: one outcome or up to {most}",
        *("Outcome", "Outcomes"),
        answer="Recorded",
        parameters=[],
    )
    feedback = {"/feedback": outcomes} if settings.log.enabled else {}
    return {"/predict": one, "/predict/batch": many, **feedback}


def _info(security: Schema) -> Schema:
    anything = {"description": "Answered", "content": {"application/json": {"schema": {}}}}
    return {
        "get": {
            "summary": "The model: version, hashes, threshold, metrics, contract",
            "tags": [OPERATIONS],
            **security,
            "responses": {**_responses("Error", UNREAD), "200": anything},
        }
    }


def _probes() -> Schema:
    def get(summary: str, responses: Schema) -> Schema:
        return {"get": {"summary": summary, "tags": [OPERATIONS], "responses": responses}}

    refused_query = {422: REFUSALS[422]}
    not_ready = {"503": {"description": "Not ready", "content": _content("Readiness")}}
    text = {"description": "Answered", "content": {"text/plain": {"schema": {"type": "string"}}}}
    ready = {**_responses("Readiness", refused_query), **not_ready}
    return {
        "/health": get("Alive", _responses("Health", refused_query)),
        "/ready": get("Would answer a prediction; what is missing otherwise", ready),
        "/metrics": get("For Prometheus", {"200": text}),
    }


def _reload() -> Schema:
    admin = {403: f"Not the key named {ADMIN}", 409: "Refused: the old model serves on"}
    return {
        "post": {
            "summary": "Load the model anew, without a pause",
            "tags": [OPERATIONS],
            "security": [{"key": []}],
            "responses": _responses("Reloaded", {**UNREAD, **admin}),
        }
    }
