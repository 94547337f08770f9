"""Changes to conf/ that last: a group's choice and a choice's values, every comment kept."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from churn.files import write_text

NO_LINE_IS_TOO_LONG = 1_000_000


class ConfFiles:
    """The files of one conf/."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def chosen(self, group: str) -> str:
        """The choice of a group, such as `xgboost` of `model`."""
        content = _read(self._config)
        return next(str(one[group]) for one in content["defaults"] if group in one)

    def choose(self, group: str, choice: str) -> None:
        """Make it the choice of a group in config.yaml."""
        content = _read(self._config)
        entry = next(one for one in content["defaults"] if group in one)
        entry[group] = choice
        write_text(self._config, written(content))

    def values(self, group: str) -> Mapping[str, Any]:
        """The choice that holds of a group."""
        found: Mapping[str, Any] = _read(self._folder / group / f"{self.chosen(group)}.yaml")
        return found

    def put(self, group: str, values: Mapping[str, Any]) -> None:
        """Give values to keys of the choice that holds of a group."""
        path = self._folder / group / f"{self.chosen(group)}.yaml"
        content = _read(path)
        content.update(values)
        write_text(path, written(content))

    @property
    def _config(self) -> Path:
        return self._folder / "config.yaml"


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, NO_LINE_IS_TOO_LONG
    yaml.indent(mapping=2, sequence=4, offset=2)
    # As conf/ writes it; ruamel would leave the value out.
    yaml.representer.add_representer(
        type(None), lambda its, _: its.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def _read(path: Path) -> Any:
    return _yaml().load(path.read_text("utf-8"))


def written(content: Any) -> str:
    """A file of conf/ as it is written there."""
    stream = StringIO()
    _yaml().dump(content, stream)
    return stream.getvalue()
