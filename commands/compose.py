"""`make compose`: write params.yaml from conf/, with the bytes that `dvc exp run` would write.

`--check` writes nothing and exits with 1 when the two disagree.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from dvc.utils.hydra import compose_and_dump
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from ruamel.yaml import YAML
from yaml import YAMLError

from churn.errors import ChurnError
from churn.files import write_text
from churn.params import checked, read_parameters
from churn.settings import Parameters
from churn.sources import refuse_missing_files

PARAMS = Path("params.yaml")


def composed(overrides: list[str]) -> str:
    """What params.yaml holds when conf/ is composed with these Hydra overrides."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / PARAMS.name
        compose_and_dump(output, str(Path("conf").resolve()), None, "config", "", overrides)
        return output.read_text(encoding="utf-8")


def parameters(overrides: list[str]) -> Parameters:
    """What these Hydra overrides of conf/ compose to, checked."""
    content = YAML(typ="safe", pure=True).load(composed(overrides))
    return checked(Parameters, content, "conf/")


def main() -> None:
    """Compose, or check; exits with 1 on a mistake in conf/ or a disagreement."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only say whether they agree")
    arguments.add_argument("overrides", nargs="*", help="such as table=ibm_telco model.max_depth=4")
    given = arguments.parse_args()
    try:
        text = composed(given.overrides)
    except (HydraException, OmegaConfBaseException, YAMLError, UnicodeDecodeError) as error:
        sys.exit(f"error: conf/: {' '.join(str(error).split())}")
    if not given.check:
        write_text(PARAMS, text)
    elif not PARAMS.is_file() or PARAMS.read_text(encoding="utf-8") != text:
        sys.exit("error: params.yaml is not what conf/ composes to. Run make compose.")
    # What the first stage would say, said before DVC looks for the files in words of its own.
    try:
        refuse_missing_files(read_parameters(PARAMS).source)
    except ChurnError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
