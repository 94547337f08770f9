"""What can stand in the way of comparing two models, champion and challenger above all.

`who` names the earlier one as messages do: `the champion, git tag churn#prod,` or `A, HEAD,`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from churn.errors.base import ChurnError
from churn.wording import listed


class NoRepository(ChurnError):
    """There is no git repository in which a tag could name a model."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"git does not know the models' tags: {why}. Run this in a clone of the repository."
        )


class NoSuchTag(ChurnError):
    """A name is neither that of a version nor that of a stage."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no git tag churn@{name} (of a version, such as v1.2.0) or churn#{name} (of a stage, "
            "such as prod) is here. git fetch --tags brings those of the remote."
        )


class UnknownRevision(ChurnError):
    """A name is neither a git revision nor an experiment."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"{name}: {why}. Name a commit, branch or tag (git fetch --tags brings the remote's), "
            "or an experiment: dvc exp list --all-commits names those that are here, dvc exp pull "
            "origin brings others."
        )


class NothingInCommon(ChurnError):
    """A branch and the working tree's have no commit in common, as far as git knows here."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} and HEAD have no commit in common here. Fetch their history (git fetch "
            "--unshallow), or name the branch that this one came from."
        )


class NotWithinReach(ChurnError):
    """A file or folder that DVC keeps of a commit is neither in the cache nor in the remote."""

    def __init__(self, name: str, path: str, why: str) -> None:
        super().__init__(
            f"{path} of {name} cannot be fetched: {why}. Where it was built, run dvc push (of an "
            "experiment, dvc exp push origin <name>), and have the same remote here (dvc remote "
            "list); or check that commit out and run dvc repro."
        )


class UnusableChampion(ChurnError):
    """The champion's files were fetched, but this version of the code cannot use them."""

    def __init__(self, who: str, why: str) -> None:
        super().__init__(
            f"{who} cannot be used: {why} It is that commit that this is about: rebuild its model "
            "with the code of today, and move the tag to the result, if it has one."
        )


class OtherTable(ChurnError):
    """Champion and challenger are models of different tables."""

    def __init__(self, who: str, champion: str, challenger: str) -> None:
        super().__init__(
            f"{who} is a model of table {champion}, the other one of table {challenger}; they have "
            "no customers in common. Choose the same table for both and run make repro (a tag may "
            "be given to a model of today's)."
        )


class OtherRows(ChurnError):
    """Customers without an id are numbered by row, and the rows are those of another file."""

    def __init__(self, who: str, table: str) -> None:
        super().__init__(
            f"customers of table {table} have no id, only a row number, and {who} was built from "
            "another file: it may have learnt from any of the other's held-out customers. Rebuild "
            "the earlier model from the same file (check its commit out and run dvc repro), or "
            "name a column as id in the contract."
        )


class ChampionLacksColumns(ChurnError):
    """The test rows lack columns that the champion was trained on."""

    def __init__(self, who: str, missing: Sequence[str], path: str | Path) -> None:
        super().__init__(
            f"{path}: {who} needs columns that are not there: "
            f"{listed(missing)}. Put them back into the contract (the new model may leave them "
            "unused) and run make repro."
        )


class RowsMissing(ChurnError):
    """Rows of the pipeline that the comparison needs are not there."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(f"{path}: no such file. Rebuild it with make repro, or run dvc pull.")


class StaleModel(ChurnError):
    """The model of the working tree was not trained on the rows beside it."""

    def __init__(self, model: str | Path, rows: str | Path) -> None:
        super().__init__(
            f"{model}: it was not trained on {rows} as it is now, so it may have learnt from "
            "customers who count as held out. Run make repro."
        )


class TooFewInCommon(ChurnError):
    """Too few customers are held out from both models."""

    def __init__(self, rows: int, churners: int) -> None:
        super().__init__(
            f"held out from both models are {rows} customers, {churners} of them churners; at "
            "least five of either outcome are needed. Take the champion's split.salt and "
            "split.test_share, or add history."
        )
