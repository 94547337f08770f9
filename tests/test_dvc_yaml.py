"""dvc.yaml against the code: a stage that does not list what it reads would go stale in silence."""

from __future__ import annotations

import re

import grimp
import pytest
from ruamel.yaml import YAML

from churn.training import READ
from tests.checkout import ROOT

STAGES = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("churn", "pipelines", cache_dir=None)


def file_of(module: str) -> str:
    for package in ("errors", "features", "settings"):
        if module.startswith(f"churn.{package}"):
            return f"src/churn/{package}"
    folder = "" if module.startswith("pipelines") else "src/"
    return f"{folder}{module.replace('.', '/')}.py"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_its_code_and_no_other(stage: str, imports: grimp.ImportGraph):
    modules = {f"pipelines.{stage}", *imports.find_upstream_modules(f"pipelines.{stage}")}
    listed = {dep for dep in STAGES[stage]["deps"] if dep.endswith(".py") or dep.startswith("src/")}
    templates = {dep for dep in listed if "/templates/" in dep}
    assert listed - templates == {file_of(module) for module in modules}
    assert bool(templates) == ("churn.page" in modules)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_the_parameters_it_reads(stage: str):
    code = (ROOT / f"pipelines/{stage}.py").read_text()
    read = {name.rstrip("_") for name in re.findall(r"parameters\.(\w+)", code)}
    if stage == "train":
        read |= {
            n if all_of_it is True else f"{n}.{next(iter(all_of_it))}"
            for n, all_of_it in READ.items()
        }
    assert set(STAGES[stage]["params"]) == read


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_libraries_it_runs_on(stage: str):
    assert "requirements.txt" in STAGES[stage]["deps"]


@pytest.mark.parametrize("stage", STAGES)
def test_every_file_a_stage_names_in_its_code_is_a_dep_or_an_out(stage: str):
    code = (ROOT / f"pipelines/{stage}.py").read_text()
    named = set(re.findall(r'Path\(f?"([^"{]+)', code))
    entries = [*STAGES[stage]["deps"], *STAGES[stage]["outs"], *STAGES[stage].get("metrics", [])]
    known = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
    assert named
    unknown = [
        one for one in named if not any(k.startswith(one) or one.startswith(k) for k in known)
    ]
    assert unknown == []
