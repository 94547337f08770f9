"""What the model says of the rows of a batch, and the rows of which it can say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn.batch.customers import Customers, Reader
from churn.batch.reading import Piece, Position
from churn.columns import Columns, take
from churn.contract import REASONS, ROW_IN_SNAPSHOT, ROW_NUMBER, SCORE, Contract
from churn.errors import NothingScorable, WrongFeature
from churn.parsing import as_text
from churn.problems import MOST_PROBLEMS_OF_A_ROW, Problem
from churn.reasons import reasons
from churn.risk import LEVELS, Risk
from churn.scoring import Scorer
from churn.unscorable import unscorable

Rows = NDArray[np.int64]
Found = Mapping[int, Sequence[Problem]]
REASON = pa.list_(
    pa.struct({"input": pa.string(), "value": pa.string(), "contribution": pa.float64()})
)


@dataclass(frozen=True)
class Scored:
    """A piece of the input that is done.

    Attributes:
        end: of the piece.
        scores: of its good rows: id or row number, probability, reasons if asked for.
        aside: its other rows as text, with `row_in_snapshot` (from 1) and `reasons`.
    """

    end: Position
    scores: pa.Table
    aside: pa.Table


class BatchScorer:
    """Scores pieces of an input, several at a time if need be.

    Args:
        scorer: of the model.
        explain: reasons for each customer; 0 for none.
        where: the input is, for the errors.
    """

    def __init__(self, scorer: Scorer, explain: int, where: str) -> None:
        self._scorer = scorer
        self._explain = explain
        self._where = where
        self._contract = scorer.bundle.manifest.contract
        self._reader = Reader(self._contract)

    def __call__(self, piece: Piece) -> Scored:
        """Score a piece.

        Raises:
            NothingScorable: it is the first of the input, and all its rows are bad.
        """
        scored = self.scored(piece)
        if not scored.scores.num_rows and not piece.begin.rows:
            reasons_of_some = scored.aside.column(REASONS).slice(0, 3).to_pylist()
            raise NothingScorable(self._where, piece.table.num_rows, reasons_of_some)
        return scored

    def scored(self, piece: Piece) -> Scored:
        """Score a piece, wherever it stands in the input."""
        rows = piece.table.num_rows
        customers = self._reader.read(piece.table)
        problems: Found = customers.problems
        # What a feature makes of extreme values is looked at in its result.
        with np.errstate(all="ignore"):
            good = _others(rows, problems)
            try:
                scores = self._scores(customers, good, piece)
            except WrongFeature:
                problems = {**problems, **self._unscorable(customers.columns, good)}
                good = _others(rows, problems)
                scores = self._scores(customers, good, piece)
        return Scored(piece.end, scores, _aside(piece, problems))

    def _scores(self, customers: Customers, good: Rows, piece: Piece) -> pa.Table:
        everything = len(good) == piece.table.num_rows
        columns = customers.columns if everything else take(customers.columns, good)
        ids = customers.ids
        if ids is None:
            ids = pa.array(good + piece.begin.rows + 1)
        elif not everything:
            ids = ids.take(pa.array(good))
        arrays = [ids, pa.array(self._scorer.probabilities(columns))]
        if self._explain:
            found = reasons(self._scorer, columns, self._explain)
            arrays.append(pa.array([[asdict(one) for one in row] for row in found], REASON))
        return pa.table(arrays, schema=scores_schema(self._contract, self._explain))

    def _unscorable(self, columns: Columns, rows: Rows) -> dict[int, list[Problem]]:
        found = unscorable(lambda some: self._scorer.features(take(columns, some)), rows)
        return {i: [one] for i, one in found.items()}


def scores_schema(contract: Contract, explain: int) -> pa.Schema:
    """Of what the model says of each row."""
    name = pa.field(contract.id, pa.string()) if contract.id else pa.field(ROW_NUMBER, pa.int64())
    fields = [name, pa.field(SCORE, pa.float64())]
    return pa.schema([*fields, *([pa.field(REASONS, REASON)] if explain else [])])


def aside_schema(contract: Contract) -> pa.Schema:
    """Of rows that are set aside."""
    names = [*([contract.id] if contract.id else []), *contract.known_columns]
    fields = [pa.field(name, pa.string()) for name in names]
    return pa.schema(
        [*fields, pa.field(ROW_IN_SNAPSHOT, pa.int64()), pa.field(REASONS, pa.string())]
    )


def _others(rows: int, problems: Found) -> Rows:
    if not problems:
        return np.arange(rows)
    is_good = np.ones(rows, dtype=bool)
    is_good[[*problems]] = False
    return np.flatnonzero(is_good)


def _aside(piece: Piece, problems: Found) -> pa.Table:
    rows = sorted(problems)
    table = piece.table.take(pa.array(rows, pa.int64()))
    texts = {name: as_text(table.column(name)) for name in table.column_names}
    texts[ROW_IN_SNAPSHOT] = pa.array([piece.begin.rows + i + 1 for i in rows], pa.int64())
    texts[REASONS] = pa.array([_in_words(problems[i]) for i in rows], pa.string())
    return pa.table(texts)


def _in_words(problems: Sequence[Problem]) -> str:
    return "; ".join(
        f"{one.field}: {one.problem} (allowed: {one.allowed})" if one.field else one.problem
        for one in problems[:MOST_PROBLEMS_OF_A_ROW]
    )


class Answers:
    """What the server would answer, by column.

    Attributes:
        version: of the model.
    """

    def __init__(self, scorer: Scorer, risk: Risk, version: str) -> None:
        self.version = version
        self._scorer = scorer
        self._risk = risk

    def of(self, scores: pa.Table) -> pa.Table:
        """The answers: the server's fields, without the moment and the id of a request.

        Args:
            scores: n rows of `BatchScorer`.
        """
        probabilities = scores.column(SCORE).to_numpy()
        levels = self._risk.levels(probabilities)
        advice = [self._risk.recommendations[level] for level in LEVELS]
        columns = {
            scores.column_names[0]: scores.column(0),
            SCORE: scores.column(SCORE),
            "will_churn": pa.array(self._scorer.decisions(probabilities)),
            "risk_level": _words(levels, LEVELS),
            "recommendation": _words(levels, advice),
            "model_version": _words(np.zeros(len(levels), np.int8), [self.version]),
        }
        if REASONS in scores.column_names:
            columns[REASONS] = scores.column(REASONS)
        return pa.table(columns)


def _words(numbers: NDArray[np.int8], words: Sequence[str]) -> pa.DictionaryArray:
    """Words by their numbers; two levels may have the same."""
    different = [*dict.fromkeys(words)]
    places = np.array([different.index(word) for word in words], dtype=np.int8)
    return pa.DictionaryArray.from_arrays(
        pa.array(places[numbers]), pa.array(different, pa.string())
    )
