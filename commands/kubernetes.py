"""`make kubernetes`: write the part of deploy/kubernetes that is made from other files.

That is the PrometheusRule: the operator wants Prometheus's rule files inside an object of its own,
and kustomize cannot put one file into another. `--check` writes nothing and exits with 1 when the
two disagree, when a folder cannot be rendered, or when Kubernetes would refuse what it renders to.
It needs neither a cluster nor the network.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from churn.errors import ChurnError, InvalidManifests, NotRendered, OutdatedFile
from churn.files import read_json, write_text

FOLDER = Path("deploy/kubernetes")
RULES = Path("deploy/prometheus/rules")
MADE = FOLDER / "components/monitoring/rules.yaml"
# The newest is whatever kubernetes-validate has. Older ones know no preStop.sleep.
OLDEST = "1.30"
OPERATOR = "monitoring.coreos.com/v1"
HEAD = "# Made from deploy/prometheus/rules by make kubernetes. Change those, not this.\n"
LABELS = {"app.kubernetes.io/name": "churn", "app.kubernetes.io/component": "metrics"}
# Of the environment, so that everybody renders with one version.
KUBECTL = Path(sys.executable).parent / "kubectl"


def prometheus_rule(files: Iterable[Path]) -> dict[str, Any]:
    """The operator's object with the groups of Prometheus's rule files, in their order.

    Alerts get the label `service`, which deploy/prometheus gives all of its own: a Prometheus in a
    cluster has alerts of other services, too.
    """
    groups = [group for path in files for group in _read(path)["groups"]]
    return {
        "apiVersion": OPERATOR,
        "kind": "PrometheusRule",
        "metadata": {"name": "churn", "labels": dict(LABELS)},
        "spec": {"groups": [{**one, "rules": [*map(_labelled, one["rules"])]} for one in groups]},
    }


def _labelled(rule: dict[str, Any]) -> dict[str, Any]:
    if "alert" not in rule:
        return rule
    return {**rule, "labels": {**rule["labels"], "service": "churn"}}


def _read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def written(manifest: dict[str, Any]) -> str:
    """A manifest as YAML, the same bytes each time; texts of several lines stay readable."""
    yaml = YAML()
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_blocks(manifest), stream)
    return stream.getvalue()


def _blocks(content: Any) -> Any:
    match content:
        case dict():
            return {key: _blocks(value) for key, value in content.items()}
        case list():
            return [_blocks(value) for value in content]
        case str() if "\n" in content:
            return LiteralScalarString(content)
    return content


def folders() -> list[Path]:
    """What can be rendered by itself: the base and every overlay."""
    return [FOLDER / "base", *sorted(one.parent for one in FOLDER.glob("overlays/*/kustom*.yaml"))]


def rendered(folder: Path) -> list[dict[str, Any]]:
    """The manifests that kustomize makes of a folder, as `kubectl apply -k` would send them.

    Raises:
        NotRendered: it cannot.
    """
    command = [str(KUBECTL), "kustomize", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotRendered(folder, f"there is no {KUBECTL}") from None
    if done.returncode:
        raise NotRendered(folder, " ".join(done.stderr.split()).rstrip("."))
    return [*YAML(typ="safe", pure=True).load_all(done.stdout)]


def check(folder: Path) -> None:
    """See whether Kubernetes, old and new, and the Prometheus operator would take a folder.

    Raises:
        NotRendered, InvalidManifests: they would not.
    """
    found = [problem for one in rendered(folder) for problem in _problems(one)]
    if found:
        raise InvalidManifests(folder, found)


def _problems(manifest: dict[str, Any]) -> Iterator[str]:
    # Imported here: only the check needs them.
    import jsonschema

    try:
        if manifest["apiVersion"] == OPERATOR:
            path = FOLDER / f"schemas/{manifest['kind'].lower()}.json"
            jsonschema.Draft202012Validator(read_json(path)).validate(manifest)
        else:
            _hold_against_kubernetes(manifest)
    except jsonschema.ValidationError as error:
        place = "/".join(map(str, error.absolute_path)) or "the whole"
        yield f"{manifest['kind']} {manifest['metadata']['name']}, {place}: {error.message}"


def _hold_against_kubernetes(manifest: dict[str, Any]) -> None:
    import kubernetes_validate

    for version in (OLDEST, kubernetes_validate.latest_version()):
        kubernetes_validate.validate(manifest, version, strict=True)


def main() -> None:
    """Write, or check; exits with 1 on a user's mistake."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only say what is wrong")
    given = arguments.parse_args()
    text = HEAD + written(prometheus_rule(sorted(RULES.glob("*.yml"))))
    try:
        if not given.check:
            write_text(MADE, text)
        elif not MADE.is_file() or MADE.read_text(encoding="utf-8") != text:
            raise OutdatedFile(MADE, "kubernetes")
        for folder in folders():
            check(folder)
    except ChurnError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
