"""`make champion`: the model of the working tree against the one that serves production.

The champion is the bundle of the commit that carries the git tag `churn#prod`, or the newest of
`churn#prod#1`, `churn#prod#2`, … as `gto assign` numbers them. Both models are measured on the
customers that neither has learnt from: the test rows of the working tree that the champion's split
holds out as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from churn.bundle import Bundle
from churn.champion import Candidate, Comparison, compare
from churn.contract import Contract
from churn.differences import metrics
from churn.errors import (
    ChampionLacksColumns,
    ChurnError,
    OtherRows,
    OtherTable,
    RowsMissing,
    StaleModel,
    UnreadableFile,
    UnusableChampion,
)
from churn.files import read_parquet, sha256
from churn.params import checked
from churn.scoring import Scorer
from churn.settings import EvaluateSettings, Parameters, SplitSettings
from churn.splitting import is_test
from churn.tables import labels, to_columns
from commands.tags import MODEL, fetch, tag_of
from pipelines.stage import run

STAGE = "prod"
PARAMS, LOCK = "params.yaml", "dvc.lock"
TRAIN, TEST = Path("data/features/train.parquet"), Path("data/features/test.parquet")
NO_CHAMPION = f"""there is no champion yet: no commit has the git tag churn#{STAGE}.
git fetch --tags brings the remote's; make release VERSION=v1.0.0 and make promote VERSION=v1.0.0
STAGE={STAGE} make this commit's model one."""


@dataclass(frozen=True)
class Champion:
    """The model that serves production, or another that stands where it does.

    Attributes:
        who: what messages call it, such as `the champion, git tag churn#prod,`.
        bundle: the model.
        split: which customers it held out.
        history: MD5 of the file that its customers came from, as DVC has it.
    """

    who: str
    bundle: Bundle
    split: SplitSettings
    history: str | None


def fetched(tag: str) -> Champion:
    """Read the champion from DVC's cache or remote.

    Raises:
        NotWithinReach: it is in neither.
        UnusableChampion: this version of the code cannot read it.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bundle"
        read = fetch(tag, folder)
        given, lock = (yaml(read(name)) for name in (PARAMS, LOCK))
        return loaded(f"the champion, git tag {tag},", folder, given, lock)


def loaded(who: str, folder: Path, given: Mapping[str, Any], lock: Mapping[str, Any]) -> Champion:
    """Read a model from the folder that it was fetched into.

    Args:
        who: what messages call it.
        folder: the bundle.
        given, lock: content of its commit's params.yaml and dvc.lock.
    Raises:
        UnusableChampion: this version of the code cannot read it.
    """
    try:
        split = checked(SplitSettings, given.get("split"), f"{PARAMS}: split")
        return Champion(who, Bundle.load(folder), split, history_of(given, lock))
    except ChurnError as error:
        raise UnusableChampion(who, str(error).replace(str(folder), MODEL)) from None


def yaml(text: str) -> dict[str, Any]:
    """A file of YAML as plain data."""
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return found


def here(path: str) -> dict[str, Any]:
    """A file of the working tree, YAML or JSON, as plain data.

    Raises:
        RowsMissing, UnreadableFile: it is not there, or was cut off.
    """
    try:
        return yaml(Path(path).read_text("utf-8"))
    except OSError:
        raise RowsMissing(path) from None
    except YAMLError as error:
        raise UnreadableFile(path, "YAML", str(error).partition("\n")[0]) from None


def history_of(parameters: Mapping[str, Any], lock: Mapping[str, Any]) -> str | None:
    """MD5 of the file that the history came from, as DVC has it."""
    path = parameters.get("source", {}).get("history")
    files = {one["path"]: one.get("md5") for one in lock["stages"]["load"]["deps"]}
    return files.get(path)


def challenger(root: Path = Path()) -> Bundle:
    """The model of the working tree, or of another folder that has the same files.

    Raises:
        InvalidBundle: there is none, or it is broken.
        RowsMissing, StaleModel: it does not stand beside the rows it was built from.
    """
    bundle = Bundle.load(root / MODEL)
    for path in (TRAIN, TEST):
        if not (root / path).is_file():
            raise RowsMissing(path)
    if sha256(root / TRAIN) != bundle.manifest.provenance.data_sha256:
        raise StaleModel(MODEL, TRAIN)
    return bundle


def refuse_other_rows(
    champion: Champion, contract: Contract, table: pa.Table, history: str | None
) -> None:
    """Check that the rows of the challenger are such as the champion knows.

    Args:
        champion: the model to compare with.
        contract: of the challenger.
        table: the rows that the challenger holds out.
        history: MD5 of the file that they came from.
    Raises:
        OtherTable: they are customers of another table, or known by another id.
        OtherRows: they are known by their row numbers alone, and the file is another.
        ChampionLacksColumns: a column that it was trained on is not there.
    """
    own = champion.bundle.manifest.contract
    before, now = (f"{one.name} with the id {one.id_column}" for one in (own, contract))
    if before != now:
        raise OtherTable(champion.who, before, now)
    if contract.id is None and history != champion.history:
        raise OtherRows(champion.who, contract.name)
    if lacking := [name for name in own.known_columns if name not in table.column_names]:
        raise ChampionLacksColumns(champion.who, lacking, TEST)


def is_same(one: Bundle, other: Bundle) -> bool:
    """Whether two bundles say the same of every customer."""
    same_rest = one.manifest == other.manifest
    return same_rest and one.booster.save_raw() == other.booster.save_raw()


def said(bundle: Bundle, table: pa.Table) -> Candidate:
    """What a model says of the rows of a table.

    Raises:
        ChurnError: one of the classes for columns and features in `churn.errors`.
    """
    names = [name for name in bundle.manifest.contract.columns if name in table.column_names]
    scores = Scorer(bundle).probabilities(to_columns(table, names))
    return Candidate(scores, bundle.manifest.threshold)


def said_by_champion(champion: Champion, table: pa.Table) -> Candidate:
    """The same of the champion, with the feature functions of today.

    Raises:
        UnusableChampion: they are not what it was trained with.
    """
    try:
        return said(champion.bundle, table)
    except ChurnError as error:
        raise UnusableChampion(champion.who, str(error)) from None


def unlike_training(bundle: Bundle) -> str | None:
    """Why a model does not score as it did when it was trained, if it does not."""
    try:
        Scorer(bundle).check()
    except ChurnError as error:
        return str(error)
    return None


def compared(
    old: Champion, new: Bundle, table: pa.Table, history: str | None, settings: EvaluateSettings
) -> Comparison:
    """Compare two models on the customers that neither has learnt from.

    Args:
        old: the one in the champion's place.
        new: the one in the challenger's.
        table: the rows that the challenger holds out; of them, those that the champion does count.
        history: MD5 of the file that they came from.
        settings: the `evaluate` group.
    Raises:
        OtherTable, OtherRows, ChampionLacksColumns, UnusableChampion, TooFewInCommon: that cannot
            be done.
    """
    contract = new.manifest.contract
    refuse_other_rows(old, contract, table, history)
    held_out = is_test(table.column(contract.id_column).to_pylist(), old.split)
    common = table.filter(pa.array(held_out))
    return compare(
        to_columns(common, contract.columns),
        labels(common, contract),
        said_by_champion(old, common),
        said(new, common),
        contract,
        settings,
    )


def text(found: Comparison) -> str:
    """The comparison in words: every metric, the verdict, whether to promote, and why."""
    may = "may" if found.promote else "may not"
    n, churners = found.n, found.churners
    return "\n".join(
        [
            f"On {n} customers held out from both models, {churners} of them churners:\n",
            *metrics(found.changes, "champion", "challenger"),
            f"\nVerdict on {found.metric}: {found.verdict}",
            f"The challenger {may} be promoted:",
            *(f"- {reason}" for reason in found.reasons),
        ]
    )


def champion(parameters: Parameters) -> None:
    """Compare the two and say so; no champion is no error."""
    tag = tag_of(STAGE)
    if tag is None:
        print(NO_CHAMPION)
        return
    old, new = fetched(tag), challenger()
    print(f"Champion: {tag}. Challenger: the working tree.")
    if is_same(old.bundle, new):
        print("They are the same model: there is nothing to compare.")
        return
    history = history_of(*(here(name) for name in (PARAMS, LOCK)))
    print(text(compared(old, new, read_parquet(TEST), history, parameters.evaluate)))
    if note := unlike_training(old.bundle):
        print(f"\nNote: the champion does not score as it did when it was trained: {note}")


if __name__ == "__main__":
    run(champion)
