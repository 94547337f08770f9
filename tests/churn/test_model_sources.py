"""Sources: a folder with a bundle, what was measured of it, or a word on why there is none."""

import json
import shutil
from pathlib import Path

import pytest

from churn.errors import InvalidBundle, ModelNotFound
from churn.model_sources import source
from tests.serve.models import challenger, telco


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    telco().save(folder)
    return folder


@pytest.fixture
def here(saved, tmp_path, monkeypatch):
    """A repository with a bundle, and the folder in which commands are run."""
    shutil.copytree(saved, tmp_path / "models/churn")
    (tmp_path / "reports").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _evaluated(here, sha256):
    details = {"bundle_sha256": sha256, "intervals": {"roc_auc": [0.7, 0.9]}}
    (here / "reports/evaluation.json").write_text(json.dumps(details))
    metrics = {"n": 100, "churners": 30, "roc_auc": 0.8}
    (here / "reports/metrics.json").write_text(json.dumps(metrics))


def test_a_folder_is_served_under_the_beginning_of_its_hash(here):
    found = source("models/churn", here / "fetched")

    assert (found.folder, found.version) == (Path("models/churn"), telco().sha256[:12])
    assert not (here / "fetched").exists()


def test_what_was_measured_of_the_bundle_comes_with_it(here):
    _evaluated(here, telco().sha256)

    assert source("models/churn", here).evaluation == {
        "customers": 100,
        "churners": 30,
        "metrics": {"roc_auc": {"value": 0.8, "low": 0.7, "high": 0.9}},
    }


def test_what_was_measured_of_another_bundle_does_not(here):
    _evaluated(here, challenger().sha256)
    assert source("models/churn", here).evaluation is None

    (here / "reports/evaluation.json").write_text("{")
    assert source("models/churn", here).evaluation is None

    (here / "reports/evaluation.json").unlink()
    assert source("models/churn", here).evaluation is None


def test_a_broken_bundle_is_told_by_its_file(here):
    (here / "models/churn/reference.json").write_text("{}")

    with pytest.raises(InvalidBundle, match=r"models/churn/reference\.json: its hash is not the"):
        source("models/churn", here)


def _known(folder, **changed):
    known = {"sha256": telco().sha256, "version": "v1.2.0", "created": 1e9, "evaluation": {"n": 1}}
    (folder / "origin.json").write_text(json.dumps({**known, **changed}))


def test_what_was_known_of_a_bundle_travels_with_it(here):
    _known(here / "models/churn")

    found = source("models/churn", here)

    assert (found.version, found.created, found.evaluation) == ("v1.2.0", 1e9, {"n": 1})


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"sha256": "0" * 64}, "it is of another bundle"),
        ({"created": "long ago"}, "Input should be a valid number"),
        ({"extra": 1}, "Value error, unknown key 'extra'"),
    ],
)
def test_an_origin_that_is_not_the_bundles_is_refused(here, changed, why):
    _known(here / "models/churn", **changed)

    with pytest.raises(InvalidBundle, match=rf"models/churn/origin\.json: {why}"):
        source("models/churn", here)


def test_where_there_are_no_commands_there_are_no_tags(monkeypatch, tmp_path):
    monkeypatch.setattr("churn.model_sources.FETCH", "nothing_of_that_name.fetch")

    with pytest.raises(
        ModelNotFound, match=r"MODEL=prod: it is no folder with a bundle, and an image has no git"
    ):
        source("prod", tmp_path)
