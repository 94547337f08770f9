"""requirements-serve.txt: what the server imports, in the versions that are tested."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import grimp
import pytest

from tests.checkout import ROOT

OURS = ("churn", "serve")
# Of the log, only what reads it for the pipeline turns it into Arrow.
NOT_SERVED = {"pyarrow"}


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """What the server imports of others, with the library's modules that it imports."""
    graph = grimp.build_graph(*OURS, include_external_packages=True)
    left = [one for one in graph.modules if one.partition(".")[0] == "serve"]
    seen = {*left}
    while left:
        new = graph.find_modules_directly_imported_by(left.pop()) - seen
        seen |= new
        left += [one for one in new if one.partition(".")[0] in OURS]
    tops = {one.partition(".")[0] for one in seen}
    return tops - sys.stdlib_module_names - {*OURS} - NOT_SERVED


def test_the_group_has_what_the_server_imports_and_no_more(imported: set[str]):
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    named = {re.split(r"[\[.<]", one)[0] for one in groups["serve"]} - {"fastapi-offline"}

    brought = packages_distributions()
    wanted = {re.split(r"[.]", brought[one][0])[0].lower().replace("_", "-") for one in imported}
    # The pages' files; nothing of it is imported.
    assert named == wanted


@pytest.mark.parametrize("name", ["requirements-serve.txt", "requirements-image.txt"])
def test_versions_are_those_of_the_tests(name: str):
    everything = pins("requirements.txt")
    found = pins(name)
    assert found
    assert {package: everything.get(package) for package in found} == found
