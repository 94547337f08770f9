"""conf/ changed by a program reads as if a person had changed it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from commands.conf_files import ConfFiles, written
from tests.checkout import ROOT

FILES = sorted((ROOT / "conf").rglob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_not_changed_keeps_every_byte(path: Path):
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    text = path.read_text("utf-8")

    assert written(yaml.load(text)) == text


def test_a_choice_and_a_value_are_changed_and_nothing_else(tmp_path: Path):
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    conf = ConfFiles(tmp_path / "conf")

    conf.choose("source", "prediction_log")
    conf.put("source", {"until": "2026-01-31T00:00:00+00:00", "months": 3})

    assert conf.chosen("source") == "prediction_log"
    changes = {
        "config.yaml": {"- source: ": ("synthetic", "prediction_log")},
        "source/prediction_log.yaml": {
            "months: ": ("6", "3"),
            "until: ": ("null", "'2026-01-31T00:00:00+00:00'"),
        },
    }
    for path in FILES:
        name = str(path.relative_to(ROOT / "conf"))
        expected = path.read_text()
        for key, (before, after) in changes.get(name, {}).items():
            assert expected.count(key + before) == 1
            expected = expected.replace(key + before, key + after)
        # A longer value comes nearer to its comment.
        assert (tmp_path / "conf" / name).read_text().replace("' #", "'  #") == expected
