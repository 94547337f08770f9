"""requirements-serve.txt and its like: what is imported, in the versions that are tested."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import grimp
import pytest

from tests.checkout import ROOT

OURS = ("churn", "serve", "pipelines")
# What an image runs.
PROGRAMS = {"serve": "serve", "batch": "pipelines.score"}
# With ENGINE=spark, which no image of ours has: it comes with the Spark that runs it.
SPARK = {"pyspark", "py4j"}
# Of the log, only what reads it for the pipeline turns it into Arrow.
NOT_SERVED = {"pyarrow"}


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """Packages that each program imports, with the library's modules that it imports."""
    graph = grimp.build_graph(*OURS, include_external_packages=True, cache_dir=None)
    brought = packages_distributions()

    def packages(program: str) -> set[str]:
        left = [one for one in graph.modules if f"{one}.".startswith(f"{program}.")]
        seen = {*left}
        while left:
            new = graph.find_modules_directly_imported_by(left.pop()) - seen
            seen |= new
            left += [one for one in new if one.partition(".")[0] in OURS]
        tops = {one.partition(".")[0] for one in seen} - sys.stdlib_module_names - {*OURS} - SPARK
        return {re.split(r"[.]", brought[one][0])[0].lower().replace("_", "-") for one in tops}

    return {name: packages(program) for name, program in PROGRAMS.items()}


def named(group: str) -> set[str]:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    return {re.split(r"[\[.<]", one)[0] for one in groups[group]}


def test_the_group_has_what_the_server_imports_and_no_more(imported: dict[str, set[str]]):
    # The pages' files; nothing of it is imported.
    assert named("serve") - {"fastapi-offline"} == imported["serve"] - NOT_SERVED


def test_batch_scoring_needs_a_few_more(imported: dict[str, set[str]]):
    assert named("batch") == imported["batch"] - named("serve")


@pytest.mark.parametrize("name", [f"requirements-{one}.txt" for one in ("serve", "batch", "image")])
def test_versions_are_those_of_the_tests(name: str):
    everything = pins("requirements.txt")
    found = pins(name)
    assert found
    assert {package: everything.get(package) for package in found} == found
