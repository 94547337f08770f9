"""The manifests of deploy/kubernetes as kustomize renders them, and what tests ask of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from commands.kubernetes import rendered
from tests.checkout import ROOT

PRODUCTION = ROOT / "deploy/kubernetes/overlays/production"
Manifest = dict[str, Any]
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


@cache
def manifests(folder: Path = PRODUCTION) -> tuple[Manifest, ...]:
    """All of a folder."""
    return tuple(rendered(folder))


def one(kind: str, name: str = "churn") -> Manifest:
    """The manifest of a kind and name; there must be one."""
    [found] = [m for m in manifests() if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    return found


@dataclass(frozen=True)
class Pod:
    """What a manifest makes pods from."""

    owner: str
    labels: Mapping[str, str]
    spec: Manifest

    @property
    def containers(self) -> list[Manifest]:
        """Also those that run before the others."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def port(self, name: str | int) -> int:
        """Number of a port of any container; numbers stay what they are."""
        ports = {p["name"]: p["containerPort"] for c in self.containers for p in c.get("ports", [])}
        return name if isinstance(name, int) else ports[name]


def _templates(content: Any) -> Iterator[Manifest]:
    if isinstance(content, dict):
        if "containers" in content.get("spec", {}):
            yield content
        for value in content.values():
            yield from _templates(value)
    elif isinstance(content, list):
        for value in content:
            yield from _templates(value)


def pods() -> list[Pod]:
    """The pods of every kind of workload, known or not."""
    return [
        Pod(m["metadata"]["name"], template["metadata"]["labels"], template["spec"])
        for m in manifests()
        for template in _templates(m)
    ]


def pod(owner: str) -> Pod:
    """The pod of a workload."""
    [found] = [p for p in pods() if p.owner == owner]
    return found


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a selector (`matchLabels` only) takes in these labels; an empty one takes in all."""
    assert set(selector) <= {"matchLabels"}, selector
    return selector.get("matchLabels", {}).items() <= labels.items()


def environment(container: Manifest) -> dict[str, str]:
    """Variables of a container; those from ConfigMaps with their values, from Secrets with none."""
    maps = {m["metadata"]["name"]: m["data"] for m in manifests() if m["kind"] == "ConfigMap"}
    found = {}
    for variable in container["env"]:
        value = variable.get("value", "")
        if source := variable.get("valueFrom", {}).get("configMapKeyRef"):
            value = maps[source["name"]][source["key"]]
        found[variable["name"]] = value
    return found


def size(quantity: str) -> int:
    """Bytes of a quantity such as 2Gi."""
    return int(quantity[:-2]) * UNITS[quantity[-2:]]
