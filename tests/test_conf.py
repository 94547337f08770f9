"""Every configuration that ships composes and is valid; params.yaml is what conf/ composes to."""

from __future__ import annotations

import pytest

from churn.features import feature_set
from commands.compose import composed, parameters
from tests.checkout import ROOT

OPTIONS = sorted(f"{path.parent.name}={path.stem}" for path in (ROOT / "conf").glob("*/*.yaml"))


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes_and_is_valid(option: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    assert feature_set(parameters([option]).table).names


def test_params_yaml_is_what_conf_composes_to(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    assert (ROOT / "params.yaml").read_text() == composed([])


def test_smote_brings_the_median_that_it_needs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    assert parameters(["balance=smote"]).preprocess.missing_numbers == "median"
