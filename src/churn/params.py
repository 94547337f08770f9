"""Reading `params.yaml` into typed settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from churn.errors import InvalidParameters, UnreadableParameters
from churn.settings import Parameters

M = TypeVar("M", bound=BaseModel)


def read_parameters(path: Path) -> Parameters:
    """Read and check every parameter.

    Raises:
        UnreadableParameters: no such file, or not YAML.
        InvalidParameters: a key is unknown or missing, or a value is not allowed.
    """
    try:
        raw = YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise UnreadableParameters(path, "no such file") from None
    except OSError as error:
        raise UnreadableParameters(path, str(error.strerror)) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise UnreadableParameters(path, " ".join(str(error).split())) from None
    return checked(Parameters, raw, str(path))


def checked(model: type[M], raw: object, where: str) -> M:
    """Build `model` from plain data.

    Raises:
        InvalidParameters: naming each wrong key, its value, and what is allowed.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = [_in_words(cast(dict[str, Any], problem), raw) for problem in error.errors()]
        raise InvalidParameters(where, problems) from None


def _in_words(problem: dict[str, Any], raw: object) -> str:
    """One of pydantic's problems as `key: what is wrong`."""
    key = ".".join(_written_path(problem, raw)) or "top level"
    kind, message, context = problem["type"], problem["msg"], problem.get("ctx", {})
    if kind == "missing":
        return f"{key}: missing"
    if kind == "value_error":
        return f"{key}: {message.removeprefix('Value error, ')}"
    if kind == "union_tag_invalid":
        name, allowed = context["discriminator"].strip("'"), context["expected_tags"]
        return f"{key}: {name} {context['tag']!r} is unknown; allowed are {allowed}"
    if kind == "union_tag_not_found":
        return f"{key}: {context['discriminator'].strip(chr(39))} is missing"
    instead = {
        "model_attributes_type": "write keys, such as {type: integer}",
        "tuple_type": f"write a list, such as [{problem['input']}]",
    }
    advice = instead.get(kind, f"{message[0].lower()}{message[1:]}")
    return f"{key}: {problem['input']!r} is not allowed: {advice}"


def _written_path(problem: dict[str, Any], raw: object) -> list[str]:
    """The location without the tags of unions, which are in no file."""
    path: list[str] = []
    *above, last = problem["loc"] or ("",)
    for part in above:
        if (isinstance(raw, dict) and part in raw) or isinstance(raw, list):
            path.append(str(part))
            raw = raw[part]
    is_written = isinstance(raw, list) or (isinstance(raw, dict) and last in raw)
    return [*path, str(last)] if is_written or problem["type"] == "missing" else path
