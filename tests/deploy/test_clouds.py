"""The page on clouds: commands that AWS knows, variables that the server reads, time to end."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.model import OperationModel
from botocore.session import Session
from botocore.validate import validate_parameters
from ruamel.yaml import YAML

from serve.server import GRACE_SECONDS
from tests.checkout import ROOT
from tests.deploy.test_kubernetes import ENDS, LOG_SECONDS, read_by

PAGE = (ROOT / "deploy/clouds.md").read_text()
BLOCKS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
AWS, GOOGLE, AZURE = (BLOCKS[one] for one in BLOCKS if re.match("AWS|Google|Azure", one))
METRICS_PORT = 9090


def fenced(text: str, language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return found


def commands(text: str, program: str) -> list[list[str]]:
    lines = fenced(text, "sh").replace("\\\n", " ").splitlines()
    words = [shlex.split(line) for line in lines]
    return [one[1:] for one in words if one[0] == program]


TASK = json.loads(fenced(AWS, "json"))
[TASK_CONTAINER] = TASK["containerDefinitions"]
APP = YAML(typ="safe", pure=True).load(fenced(AZURE, "yaml"))["properties"]
[APP_CONTAINER] = APP["template"]["containers"]
[DEPLOYED] = [c for c in commands(GOOGLE, "gcloud") if c[:2] == ["run", "deploy"]]
OPTIONS: dict[str, str] = dict(
    option.removeprefix("--").split("=", 1) for option in DEPLOYED[3:] if "=" in option
)


def listed(text: str) -> dict[str, str]:
    return dict(one.split("=", 1) for one in text.split(","))


def operation(service: str, command: str) -> OperationModel:
    """What AWS says of a command of its own."""
    model = Session().get_service_model(service)
    [name] = [one for one in model.operation_names if xform_name(one, "-") == command]
    return model.operation_model(name)


@pytest.mark.parametrize("words", commands(AWS, "aws"), ids=lambda words: " ".join(words[:2]))
def test_aws_knows_every_command_and_option(words: list[str]):
    service, command, *rest = words
    shape = operation(service, command).input_shape
    known = {xform_name(name, "-"): member for name, member in shape.members.items()}
    options = [one.removeprefix("--") for one in rest if one.startswith("--")]
    assert {*options} - {"cli-input-json"} <= {*known}
    if "cli-input-json" not in options:
        assert {xform_name(name, "-") for name in shape.required_members} <= {*options}


def test_aws_knows_every_field_of_the_task():
    shape = operation("ecs", "register-task-definition").input_shape
    validate_parameters(TASK, shape)


VARIABLES: dict[str, set[str]] = {
    "AWS": {one["name"] for kind in ("environment", "secrets") for one in TASK_CONTAINER[kind]},
    "Google": {*listed(OPTIONS["set-env-vars"])},
    "Azure": {one["name"] for one in APP_CONTAINER["env"]},
}


@pytest.mark.parametrize("cloud", VARIABLES)
def test_variables_are_those_that_the_server_reads(cloud: str):
    found = VARIABLES[cloud]
    assert found <= read_by("serve", "src/churn")
    assert {"DATABASE_URL", "METRICS_PORT"} <= found
    assert found & {"CHURN_API_KEYS", "CHURN_API_KEYS_FILE"}, "it would refuse to listen"


def test_files_that_variables_name_are_mounted():
    variables, secrets = listed(OPTIONS["set-env-vars"]), listed(OPTIONS["set-secrets"])
    assert {v for n, v in variables.items() if n.endswith("_FILE")} == {*secrets}
    assert len({Path(path).parent for path in secrets}) == len(secrets), "a folder holds one secret"

    mounts = {m["volumeName"]: m["mountPath"] for m in APP_CONTAINER["volumeMounts"]}
    files = {one["value"] for one in APP_CONTAINER["env"] if one["name"].endswith("_FILE")}
    assert files == {
        f"{mounts['secrets']}/{one['name']}" for one in APP["configuration"]["secrets"]
    }


def test_the_log_has_a_place_that_the_server_may_write():
    folder = "/var/lib/churn"
    assert f"LOG_FOLDER={folder}" in (ROOT / "Dockerfile").read_text()
    # Of the image itself on AWS, whose volumes belong to root.
    assert not TASK_CONTAINER.get("readonlyRootFilesystem")
    assert not TASK_CONTAINER.get("mountPoints")
    volume, mount = listed(OPTIONS["add-volume"]), listed(OPTIONS["add-volume-mount"])
    assert (mount["volume"], mount["mount-path"]) == (volume["name"], folder)
    # Files are memory there: full, they must leave the server its own.
    assert int(volume["size-limit"].removesuffix("Mi")) <= 1024 // 2
    assert {"volumeName": "log", "mountPath": folder} in APP_CONTAINER["volumeMounts"]


def test_probes_ask_where_the_server_answers():
    probes = [listed(OPTIONS[one]) for one in ("startup-probe", "liveness-probe")]
    asked = {(one["httpGet.path"], int(one["httpGet.port"])) for one in probes}
    asked |= {(one["httpGet"]["path"], one["httpGet"]["port"]) for one in APP_CONTAINER["probes"]}
    [group] = [words for words in commands(AWS, "aws") if words[1] == "create-target-group"]
    option = dict(zip(group[2::2], group[3::2], strict=True))
    asked.add((option["--health-check-path"], int(option["--health-check-port"])))
    assert asked == {("/ready", METRICS_PORT), ("/health", METRICS_PORT)}


def test_every_cloud_gives_the_time_that_the_server_takes_to_end():
    assert TASK_CONTAINER["stopTimeout"] > ENDS
    assert APP["template"]["terminationGracePeriodSeconds"] > ENDS
    [seconds] = re.findall(r"stops an instance (\d+) s after", GOOGLE)
    assert int(seconds) > ENDS
    told = re.findall(r"takes (\d+) s for requests in flight and ([\d.]+) s for the log", PAGE)
    assert told == [(f"{GRACE_SECONDS}", f"{LOG_SECONDS:g}")]


def test_two_instances_are_always_there():
    [service] = [words for words in commands(AWS, "aws") if words[1] == "create-service"]
    assert service[service.index("--desired-count") + 1] == "2"
    assert OPTIONS["min-instances"] == "2"
    assert "--no-cpu-throttling" in DEPLOYED
    assert APP["template"]["scale"]["minReplicas"] == 2
