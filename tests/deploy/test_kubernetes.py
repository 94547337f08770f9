"""The manifests: what they let in, what they keep, and that their parts fit one another."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from commands.kubernetes import KUBECTL, OLDEST, RULES, folders
from serve import recording
from serve.server import GRACE_SECONDS, SPOOL_SECONDS
from tests.checkout import ROOT
from tests.deploy.manifests import (
    PRODUCTION,
    Pod,
    environment,
    manifests,
    one,
    pod,
    pods,
    selects,
    size,
)
from tests.deploy.running import read_yaml

DOCKERFILE = (ROOT / "Dockerfile").read_text()
README = (ROOT / "deploy/kubernetes/README.md").read_text()
SERVER = pod("churn")
[SERVING] = SERVER.containers
# That the server takes to end: for requests in flight, and then for the log.
LOG_SECONDS = SPOOL_SECONDS + recording.GRACE + 1
ENDS = GRACE_SECONDS + LOG_SECONDS


# Security


@pytest.mark.parametrize("found", pods(), ids=lambda found: found.owner)
def test_no_pod_may_do_more_than_it_must(found: Pod):
    whole = found.spec["securityContext"]
    assert whole["runAsNonRoot"] is True
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert found.spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(found.spec)
    assert {next(iter(set(v) - {"name"})) for v in found.spec["volumes"]} <= {"emptyDir", "secret"}
    for container in found.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_the_namespace_refuses_pods_that_do():
    labels = one("Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {m["metadata"].get("namespace") for m in manifests() if m["kind"] != "Namespace"} == {
        "churn"
    }


def test_no_secret_is_in_the_files():
    assert not [m for m in manifests() if m["kind"] == "Secret"]
    address = environment(SERVING)["DATABASE_URL"]
    assert re.fullmatch(r"postgresql://[^:@/]+@.*", address), "it has a password"


# The image


def test_the_server_runs_as_the_image_means_it():
    (user,) = {*re.findall(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE)}
    assert SERVER.spec["securityContext"]["runAsUser"] == int(user)
    # A volume belongs to root; its group is what lets the server write.
    assert SERVER.spec["securityContext"]["fsGroup"] == int(user)
    [port] = re.findall(r" PORT=(\d+)", DOCKERFILE)
    assert SERVER.port("http") == int(port)
    assert "command" not in SERVING


def read_by(*names: str) -> set[str]:
    """What could be a variable in the code of these folders."""
    texts = (path.read_text() for name in names for path in (ROOT / name).rglob("*.py"))
    return {found for text in texts for found in re.findall(r'"([A-Z][A-Z_]+)"', text)}


def test_every_variable_is_one_that_is_read():
    assert {*environment(SERVING)} <= read_by("serve", "src/churn")
    [scoring] = pod("churn-batch").containers
    found = {*environment(scoring), "INPUT", "OUTPUT"}
    assert found <= read_by("pipelines", "src/churn")


def test_files_that_variables_name_are_mounted_from_secrets():
    secrets = {v["name"] for v in SERVER.spec["volumes"] if "secret" in v}
    mounted = {m["mountPath"]: m for m in SERVING["volumeMounts"]}
    files = {n: v for n, v in environment(SERVING).items() if n.endswith("_FILE")}
    assert set(files) == {"CHURN_API_KEYS_FILE", "DATABASE_PASSWORD_FILE"}
    for path in files.values():
        mount = mounted[str(Path(path).parent)]
        assert mount["name"] in secrets
        assert mount["readOnly"] is True


# The prediction log


def test_each_replica_keeps_its_log_on_a_volume_of_its_own():
    [folder] = re.findall(r" LOG_FOLDER=(\S+)", DOCKERFILE)
    [name] = [m["name"] for m in SERVING["volumeMounts"] if m["mountPath"] == folder]
    [claim] = one("StatefulSet")["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == name
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    kept = one("StatefulSet")["spec"]["persistentVolumeClaimRetentionPolicy"]
    assert set(kept.values()) == {"Retain"}


def test_the_volume_holds_more_than_the_spool_may_take():
    spool = read_yaml(ROOT / "conf/serve/default.yaml")["log"]["spool_mb"] * 2**20
    [claim] = one("StatefulSet")["spec"]["volumeClaimTemplates"]
    assert size(claim["spec"]["resources"]["requests"]["storage"]) >= 2 * spool


def test_a_replica_is_given_the_time_that_it_takes_to_end():
    hears = SERVING["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert SERVER.spec["terminationGracePeriodSeconds"] >= 2 * (hears + ENDS)


# Parts that fit one another


def test_services_and_policies_select_the_server_and_nothing_else():
    stateful = one("StatefulSet")["spec"]
    selectors = [
        stateful["selector"],
        one("PodDisruptionBudget")["spec"]["selector"],
        one("NetworkPolicy")["spec"]["podSelector"],
        *(c["labelSelector"] for c in SERVER.spec["topologySpreadConstraints"]),
        {"matchLabels": one("Service")["spec"]["selector"]},
        {"matchLabels": one("Service", "churn-metrics")["spec"]["selector"]},
    ]
    for selector in selectors:
        assert [p.owner for p in pods() if selects(selector, p.labels)] == ["churn"]
    assert stateful["serviceName"] == "churn-metrics"
    assert one("Service", "churn-metrics")["spec"]["clusterIP"] == "None"


def test_ports_are_the_same_everywhere():
    metrics = int(environment(SERVING)["METRICS_PORT"])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert SERVER.port(SERVING[probe]["httpGet"]["port"]) == metrics
    targets = {"churn": "http", "churn-metrics": "metrics"}
    for service, name in targets.items():
        [port] = one("Service", service)["spec"]["ports"]
        assert SERVER.port(port["targetPort"]) == SERVER.port(name)
    [scraped] = one("ServiceMonitor")["spec"]["endpoints"]
    [port] = one("Service", "churn-metrics")["spec"]["ports"]
    assert (scraped["port"], SERVER.port(port["targetPort"])) == (port["name"], metrics)


def test_the_monitor_finds_one_service_and_the_job_that_rules_ask_for():
    monitor = one("ServiceMonitor")["spec"]
    services = [m for m in manifests() if m["kind"] == "Service"]
    [found] = [s for s in services if selects(monitor["selector"], s["metadata"]["labels"])]
    assert found["metadata"]["name"] == "churn-metrics"
    job = found["metadata"]["labels"][monitor["jobLabel"]]
    assert any(f'job="{job}"' in path.read_text() for path in (ROOT / RULES).glob("*.yml"))


def test_scaling_begins_with_enough_replicas_to_lose_one():
    scaler = one("HorizontalPodAutoscaler")["spec"]
    target = scaler["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("StatefulSet", "churn")
    # They would fight over it.
    assert "replicas" not in one("StatefulSet")["spec"]
    lost = one("PodDisruptionBudget")["spec"]["maxUnavailable"]
    assert scaler["minReplicas"] - lost >= 2


def test_the_operators_rules_are_prometheus_files_and_alerts_say_whose_they_are():
    files = sorted((ROOT / RULES).glob("*.yml"))
    assert files
    expected = [group for path in files for group in read_yaml(path)["groups"]]
    for rule in (rule for group in expected for rule in group["rules"] if "alert" in rule):
        rule["labels"]["service"] = "churn"
    assert one("PrometheusRule")["spec"]["groups"] == expected


# The network


def flows(policy: dict[str, Any], way: str, found: Pod) -> set[tuple[str, str, int]]:
    """What a policy lets through: whom (of what namespace, or address), protocol and port."""
    side = {"ingress": "from", "egress": "to"}[way]
    return {
        (_named(peer), port["protocol"], found.port(port["port"]))
        for rule in policy["spec"].get(way, [])
        for peer in rule[side]
        for port in rule["ports"]
    }


def _named(peer: dict[str, Any]) -> str:
    if block := peer.get("ipBlock"):
        return " but ".join([block["cidr"], *block.get("except", [])])
    names = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    labels = peer.get("podSelector", {}).get("matchLabels", {})
    return " ".join([names, *labels.values()])


NAMES = {("kube-system kube-dns", "UDP", 53), ("kube-system kube-dns", "TCP", 53)}
DATABASE = {("10.20.0.0/24", "TCP", 5432)}
S3 = {("0.0.0.0/0 but 169.254.0.0/16", "TCP", 443)}


@pytest.mark.parametrize(
    ("owner", "comes_in", "goes_out"),
    [
        (
            "churn",
            {("ingress-nginx", "TCP", 8000), ("monitoring", "TCP", 9090)},
            NAMES | DATABASE,
        ),
        ("churn-batch", set(), NAMES | DATABASE | S3),
    ],
)
def test_nothing_goes_in_or_out_but_what_is_meant(
    owner: str, comes_in: set[Any], goes_out: set[Any]
):
    found = pod(owner)
    policies = [m for m in manifests() if m["kind"] == "NetworkPolicy"]
    own = [p for p in policies if selects(p["spec"]["podSelector"], found.labels)]
    assert "default-deny" in {p["metadata"]["name"] for p in own}
    assert all(p["spec"]["policyTypes"] == ["Ingress", "Egress"] for p in own)
    assert set().union(*(flows(p, "ingress", found) for p in own)) == comes_in
    assert set().union(*(flows(p, "egress", found) for p in own)) == goes_out


# What the page says


def told(start: str) -> list[list[str]]:
    """The page's commands that begin like this, as words."""
    lines = re.findall(r"^ *\$ (.*)$", README, re.MULTILINE)
    return [shlex.split(line) for line in lines if line.startswith(start)]


def test_the_secrets_that_the_page_makes_are_those_that_pods_want(tmp_path: Path):
    for name in ("api_keys", "password"):
        (tmp_path / name).write_text("secret")
    (tmp_path / "batch.env").write_text("INPUT=s3://a/b\nOUTPUT=s3://a/c\n")
    made = {}
    for words in told("kubectl --namespace churn create secret"):
        command = [str(KUBECTL), *words[1:], "--dry-run=client", "--output=json"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        secret = json.loads(done.stdout)
        made[secret["metadata"]["name"]] = set(secret["data"])

    paths = {m["mountPath"]: m["name"] for m in SERVING["volumeMounts"]}
    mounted = {
        v["name"]: v["secret"]["secretName"] for v in SERVER.spec["volumes"] if "secret" in v
    }
    wanted: dict[str, set[str]] = {}
    for path in (v for n, v in environment(SERVING).items() if n.endswith("_FILE")):
        wanted[mounted[paths[str(Path(path).parent)]]] = {Path(path).name}
    [scoring] = pod("churn-batch").containers
    [given] = scoring["envFrom"]
    assert made == {**wanted, given["secretRef"]["name"]: {"INPUT", "OUTPUT"}}


def test_the_oldest_kubernetes_is_the_one_that_is_checked():
    assert f"Kubernetes {OLDEST} or later" in README
    assert f"schemas of Kubernetes {OLDEST}" in README


def test_what_is_to_be_applied_is_what_is_checked():
    assert PRODUCTION in [ROOT / folder for folder in folders()]
