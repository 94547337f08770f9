"""`make verify`: does the commit rebuild to the same bits, whatever the circumstances?

Clones HEAD into fresh folders, runs the pipeline under one variation each, and compares the hash
of every out with the committed dvc.lock. With other parameters, such as balance=smote, nothing is
committed to compare with, so the first variation of a kind is what the others are held against.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

from churn.errors import ChurnError
from commands.revisions import Commit, outs

OLD_CPU = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4,X86_V3",
    "OPENBLAS_CORETYPE": "Nehalem",
}
# Python takes the C locale for UTF-8 unless told not to.
ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ONE, TWO = ({"OMP_NUM_THREADS": n, "OPENBLAS_NUM_THREADS": n} for n in ("1", "2"))
Hashes = dict[str, str]
# What load makes.
RAW = Path("data/raw")
# Sources that may have changed since.
FAR_AWAY = ("prediction_log", "remote", "sql")
SNAPSHOT = [str(RAW / name) for name in ("history.parquet", "current.parquet", "manifest.json")]


@dataclass(frozen=True)
class Variation:
    """One way to run the pipeline: environment, folder below the temporary one, and overrides."""

    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "clone"
    overrides: tuple[str, ...] = ()


SMOTE = ("balance=smote", "calibration=isotonic")
SEARCH = ("search=optuna", "search.trials=8", "calibration=sigmoid")
VARIATIONS = {
    "plain": Variation(),
    "one-thread": Variation(ONE),
    "two-threads": Variation(TWO),
    "zone-and-locale": Variation({"TZ": "Asia/Kathmandu"} | ASCII),
    "hash-seed": Variation({"PYTHONHASHSEED": "12345"}),
    "deep-folder": Variation(folder="a/much/deeper/folder with a space"),
    "old-cpu": Variation(OLD_CPU),
    "smote": Variation(overrides=SMOTE),
    "smote-one-thread": Variation(ONE, overrides=SMOTE),
    "smote-two-threads": Variation(TWO, overrides=SMOTE),
    "smote-old-cpu": Variation(OLD_CPU | ONE, overrides=SMOTE),
    "search": Variation(overrides=SEARCH),
    "search-one-thread": Variation(ONE, overrides=SEARCH),
    "search-old-cpu": Variation(OLD_CPU | ONE, overrides=SEARCH),
}


def hashes(lock: str) -> Hashes:
    """Hash of every out in the text of a dvc.lock, by path."""
    return outs(YAML(typ="safe", pure=True).load(lock))


def rebuilt(variation: Variation, repository: Path, commit: str) -> Hashes:
    """Clone a commit, run the pipeline, give the hashes.

    Raises:
        subprocess.CalledProcessError: a command failed; its output is in the error.
        NotWithinReach: customers that DVC keeps are neither in the cache nor in the remote.
    """
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary) / variation.folder
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "GIT_"))}
        environment |= variation.environment

        def run(*command: str, folder: Path = clone) -> None:
            subprocess.run(
                command, cwd=folder, env=environment, check=True, capture_output=True, text=True
            )

        run("git", "clone", "--quiet", str(repository), str(clone), folder=repository)
        run("git", "checkout", "--quiet", commit)
        known = Commit("HEAD", commit)
        bring_customers(known, clone)
        begin = bring_snapshot(known, clone)
        if variation.overrides:
            run(sys.executable, "-m", "commands.compose", *variation.overrides)
        run("dvc", "repro", "--quiet", *begin)
        return hashes((clone / "dvc.lock").read_text())


def bring_customers(commit: Commit, clone: Path) -> None:
    """Put the files that `dvc add` was told to keep into a clone of their commit.

    Raises:
        NotWithinReach: one is neither in the cache nor in the remote.
    """
    for kept in clone.rglob("?*.dvc"):
        path = kept.relative_to(clone).with_suffix("")
        commit.fetch(path.as_posix(), clone / path)


def bring_snapshot(commit: Commit, clone: Path) -> list[str]:
    """Where customers came from far away, put what `load` made of them into the clone.

    A database may have forgotten them, and need not be here.

    Returns:
        options of dvc repro: what is left to do.
    Raises:
        NotWithinReach: the snapshot is neither in the cache nor in the remote.
    """
    given = YAML(typ="safe", pure=True).load(clone / "params.yaml")
    if given["source"]["kind"] not in FAR_AWAY:
        return []
    (clone / RAW).mkdir(parents=True)
    for path in SNAPSHOT:
        commit.fetch(path, clone / path)
    return ["--downstream", "validate"]


def differences(found: Hashes, expected: Hashes) -> list[str]:
    """Outs whose hashes are not equal, or that only one of the two has."""
    return sorted(p for p in {*found, *expected} if found.get(p) != expected.get(p))


def main() -> int:
    """Run the chosen variations and print the table; 1 if anything differs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", help=f"of {', '.join(VARIATIONS)}; all by default")
    names = arguments.parse_args().names or list(VARIATIONS)
    if unknown := [name for name in names if name not in VARIATIONS]:
        known = ", ".join(VARIATIONS)
        print(f"error: no variation {unknown[0]}; there are {known}", file=sys.stderr)
        return 1
    repository = Path.cwd()
    # Named once: somebody may commit while this runs.
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip()
    committed = subprocess.check_output(["git", "show", f"{commit}:dvc.lock"], text=True)
    expected: dict[tuple[str, ...], Hashes] = {(): hashes(committed)}
    failed = False
    print(f"{'variation':<20}{'outs':>5}  result", flush=True)
    for name in names:
        variation = VARIATIONS[name]
        try:
            found = rebuilt(variation, repository, commit)
        except subprocess.CalledProcessError as error:
            print(f"{name:<20}{'':>5}  failed: {error.cmd}\n{error.stdout}{error.stderr}")
            return 1
        except ChurnError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        first = variation.overrides not in expected
        wrong = differences(found, expected.setdefault(variation.overrides, found))
        failed |= bool(wrong)
        equal = "the others are held against this one" if first else "all equal"
        result = f"DIFFERS: {', '.join(wrong)}" if wrong else equal
        print(f"{name:<20}{len(found):>5}  {result}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
