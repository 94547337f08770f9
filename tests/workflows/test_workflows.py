"""What holds for every workflow; zizmor and GitHub's schema look at them in make lint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.checkout import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def read(path: Any) -> dict[str, Any]:
    return YAML(typ="safe").load(path)


def steps(path: Any) -> Iterator[dict[str, Any]]:
    for job in read(path)["jobs"].values():
        yield from job["steps"]


@each
def test_every_run_step_is_one_make_target(path):
    for command in (one["run"] for one in steps(path) if "run" in one):
        # Whatever comes from an event would come by the environment.
        assert "${{" not in command
        make, target, *_ = command.split()
        assert (make, target in TARGETS, "\n" in command.strip()) == ("make", True, False), command


@each
def test_every_action_is_pinned_by_commit_and_its_version_named(path):
    used = re.findall(r"uses: (\S+) *(.*)", path.read_text())
    assert used
    for name, note in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)
        assert re.fullmatch(r"# v\d+\.\d+\.\d+", note)


def test_an_action_is_pinned_to_one_commit_everywhere():
    used = re.compile(r"uses: ([^/]+/[^/@]+)\S*@(\w+)")
    pins = {pin for path in FILES for pin in used.findall(path.read_text())}
    assert len({name for name, _ in pins}) == len(pins)


@each
def test_rights_time_and_company_are_limited(path):
    content = read(path)
    assert content["permissions"] == {}
    assert content["concurrency"]
    for job in content["jobs"].values():
        assert job["timeout-minutes"] <= 300
        assert job["permissions"].get("contents") in ("read", "write")
    assert all(
        one["with"]["persist-credentials"] is False
        for one in steps(path)
        if one.get("uses", "").startswith("actions/checkout")
    )


def test_a_pull_request_can_write_nothing_and_its_key_is_for_fetching_alone():
    path = ROOT / ".github/workflows/ci.yml"
    rights = [job["permissions"] for job in read(path)["jobs"].values()]
    assert rights == [{"contents": "read"}] * len(rights)
    given = [one for one in steps(path) if "secrets." in str(one)]
    assert {one["run"] for one in given} == {"make pull"}
    assert path.read_text().count("secrets.") == 2 * len(given)


def test_what_comments_runs_no_code_of_the_pull_request():
    path = ROOT / ".github/workflows/comment.yml"
    checkouts = [one for one in steps(path) if "checkout" in one.get("uses", "")]
    assert [set(one["with"]) for one in checkouts] == [{"persist-credentials"}]
    (download,) = (one for one in steps(path) if "download" in one.get("uses", ""))
    # Beside the checkout, not in it: a file of the report must not become a Makefile.
    assert download["with"]["path"].startswith("${{ runner.temp }}/")
