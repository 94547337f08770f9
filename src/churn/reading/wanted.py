"""Which columns are read, and under which names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from churn.contract import CategoryColumn, Contract
from churn.errors import ChurnError, ColumnsMissing, MissingColumn
from churn.reading.tabular import refuse_doubled


@dataclass(frozen=True)
class Wanted:
    """The columns that are read.

    Attributes:
        contract: whose names they get.
        columns: in the order in which they are read.
        optional: those of them that an input may lack.
        levels: those whose words are read as numbers of a list of them, where a file has them so.
        missing: the error that says which others are absent.
    """

    contract: Contract
    columns: tuple[str, ...]
    optional: frozenset[str]
    levels: frozenset[str]
    missing: Callable[[str, str, Sequence[str], Sequence[str]], ChurnError]

    def renamed(self, where: str, names: Sequence[str]) -> dict[str, str]:
        """All columns of an input: its own names, and the contract's where it has one.

        Args:
            where: the input is, for the errors.
            names: of the input.
        Raises:
            DoubledColumn: two columns have one name after renaming.
        """
        renames = self.contract.rename
        found = [renames.get(name.strip(), name.strip()) for name in names]
        refuse_doubled(where, found)
        return dict(zip(names, found, strict=True))

    def chosen(self, where: str, names: Sequence[str]) -> dict[str, str]:
        """Those that are read, in their order: the input's own names, and the contract's.

        Args:
            where: the input is, for the errors.
            names: of the input.
        Raises:
            DoubledColumn: two columns have one name after renaming.
            MissingColumn, ColumnsMissing: one is absent that must be there.
        """
        own = {name: one for one, name in self.renamed(where, names).items()}
        absent = [name for name in self.columns if name not in own]
        if missing := [name for name in absent if name not in self.optional]:
            renames = {to: name for name, to in self.contract.rename.items()}
            # In the input's words, as it would have them.
            named = [renames.get(name, name) for name in missing]
            raise self.missing(where, self.contract.name, named, [*own.values()])
        return {own[name]: name for name in self.columns if name in own}


def for_scoring(contract: Contract) -> Wanted:
    """What a model needs: the id, if there is one, and what is known when a prediction is made."""
    columns = (*((contract.id,) if contract.id else ()), *contract.known_columns)
    levels = {n for n, one in contract.columns.items() if isinstance(one, CategoryColumn)}
    return Wanted(contract, columns, frozenset(), frozenset(levels), ColumnsMissing)


def for_training(contract: Contract, *, labelled: bool) -> Wanted:
    """What the pipeline begins with: all columns of the contract, as the input has them.

    Args:
        contract: of the table.
        labelled: whether the outcome, and what is known only after it, must be there.
    """
    known = {contract.id, *contract.known_columns}
    later = frozenset(name for name in contract.source_columns if name not in known)
    optional = frozenset() if labelled else later
    return Wanted(contract, contract.source_columns, optional, frozenset(), MissingColumn)
