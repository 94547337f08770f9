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

PARAMS = Path("params.yaml")


def composed(overrides: list[str]) -> str:
    """What params.yaml holds when conf/ is composed with these Hydra overrides."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / PARAMS.name
        compose_and_dump(output, str(Path("conf").resolve()), None, "config", "", overrides)
        return output.read_text(encoding="utf-8")


def main() -> None:
    """Compose, or check; exits with 1 on a mistake in conf/ or a disagreement."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only say whether they agree")
    arguments.add_argument("overrides", nargs="*", help="such as table=ibm_telco model.max_depth=4")
    given = arguments.parse_args()
    try:
        text = composed(given.overrides)
    except (HydraException, OmegaConfBaseException) as error:
        sys.exit(f"error: conf/: {error}")
    if not given.check:
        PARAMS.write_text(text, encoding="utf-8")
    elif not PARAMS.is_file() or PARAMS.read_text(encoding="utf-8") != text:
        sys.exit("error: params.yaml is not what conf/ composes to. Run make compose.")


if __name__ == "__main__":
    main()
