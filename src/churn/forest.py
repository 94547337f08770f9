"""The trees of an XGBoost booster as tables: the same margins, quicker for a few rows.

XGBoost takes its time to set up a prediction, whatever the number of rows. The tables need ten
numpy calls, after the idea of QuickScorer (Lucchese et al., QuickScorer: A Fast Algorithm to Rank
Documents with Additive Ensembles of Regression Trees, SIGIR 2015): a value of one column rules out
leaves in every tree, whatever the other columns hold; which ones, as bits, stands in a row of the
table. What all columns leave over is one leaf in each tree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Whole = NDArray[Any]
Tree = Mapping[str, Any]

# Of rows at a time. For a small forest XGBoost catches up later, but costs little by then.
MOST_ROWS = 64
# Bytes of masks to read for them, where XGBoost has been measured to catch up: beyond, a core's
# cache no longer holds them.
MOST_READ = 2**20
# Of all masks.
MOST_BYTES = 2**24
# A leaf is a bit of a mask.
MOST_LEAVES = 64
NO_CHILD = -1


@dataclass(frozen=True)
class Forest:
    """Trees as tables.

    For each column that any tree asks for there is a row of masks for a missing value, then one
    for each number of cuts above the value.

    Attributes:
        columns: of the model matrix, once for each of its cuts, and once for infinity (cuts,).
        cuts: rising for each column, infinity last (cuts, 1).
        starts: where the cuts of each column begin (columns,).
        counter: type that holds the number of cuts of one column.
        first_rows: where the masks of each column begin (columns, 1).
        masks: leaves that can still be reached, as bits (rows, trees).
        first_leaves: where the leaves of each tree begin (trees,).
        leaves: of all trees; the base margin is in those of the first.
        most_rows: up to how many rows this is quicker than XGBoost.
    """

    columns: Whole
    cuts: Floats
    starts: Whole
    counter: np.dtype[Any]
    first_rows: Whole
    masks: Whole
    first_leaves: Whole
    leaves: Floats
    most_rows: int

    def margins(self, matrix: Floats) -> Floats:
        """Margins (n,) of a model matrix (n, columns) of finite and missing values.

        The bits are XGBoost's own: it goes left where value < cut, and adds the leaves up in
        float32, one tree after the other.
        """
        # Nothing is below a missing value's cuts, not even infinity.
        below = matrix.T.take(self.columns, axis=0) < self.cuts
        found = np.add.reduceat(below.view(np.uint8), self.starts, axis=0, dtype=self.counter)
        reachable = self.masks.take(found + self.first_rows, axis=0)
        # One bit is left of each; its number is that of the bits below it.
        leaf = np.bitwise_count(np.bitwise_and.reduce(reachable, axis=0) - 1)
        return np.add.accumulate(self.leaves.take(leaf + self.first_leaves), axis=1)[:, -1]


def forest(booster: xgboost.Booster) -> Forest | None:
    """The tables of a booster.

    Returns:
        None where they would be no help or would not give XGBoost's bits: trees of more than 64
        leaves, categorical splits, several outputs, no plain trees, tables that are too large.
    """
    model = json.loads(bytes(booster.save_raw("json")))
    trees = _plain_trees(model["learner"])
    if trees is None:
        return None
    read = _Read(trees)
    read.leaves[0] += _base_margin(model, trees)
    found = _tables(read)
    return found if found and _agrees(found, booster) else None


@dataclass(frozen=True)
class _Split:
    """A question of one tree: the leaves, as bits, that an answer rules out."""

    tree: int
    cut: np.float32
    if_below: int
    if_not: int
    if_missing: int


class _Read:
    """What trees ask and answer.

    Attributes:
        splits: of each column of the model matrix that any tree asks for.
        leaves: (trees, most leaves of one tree), from left to right.
        every: leaf of each tree, as bits (trees,).
    """

    def __init__(self, trees: Sequence[Tree]) -> None:
        most = max(map(_leaf_count, trees))
        self.splits: dict[int, list[_Split]] = {}
        self.leaves = np.zeros((len(trees), most), dtype=np.float32)
        bits = [self._walk(tree, number, 0, 0) for number, tree in enumerate(trees)]
        self.every = np.array(bits, dtype=np.min_scalar_type(2**most - 1))

    def _walk(self, tree: Tree, number: int, node: int, leaf: int) -> int:
        """Read a node and what is below it; its leaves, of which `leaf` is the first, as bits."""
        value = np.float32(tree["split_conditions"][node])
        below, other = tree["left_children"][node], tree["right_children"][node]
        if below == NO_CHILD:
            self.leaves[number, leaf] = value
            return 1 << leaf
        left = self._walk(tree, number, below, leaf)
        right = self._walk(tree, number, other, left.bit_length())
        if_missing = right if tree["default_left"][node] else left
        split = _Split(number, value, if_below=right, if_not=left, if_missing=if_missing)
        self.splits.setdefault(tree["split_indices"][node], []).append(split)
        return left | right


def _plain_trees(learner: Mapping[str, Any]) -> list[Tree] | None:
    """Trees of numeric questions with one number for an answer, if the booster is of such."""
    shape, trees = learner["learner_model_param"], learner["gradient_booster"]
    has_one_output = int(shape["num_target"]) == 1 and int(shape["num_class"]) <= 1
    if trees["name"] != "gbtree" or not has_one_output:
        return None
    found: list[Tree] = trees["model"]["trees"]
    are_plain = all(
        not any(tree["split_type"]) and _leaf_count(tree) <= MOST_LEAVES for tree in found
    )
    return found if found and are_plain else None


def _leaf_count(tree: Tree) -> int:
    count: int = tree["left_children"].count(NO_CHILD)
    return count


def _base_margin(model: Mapping[str, Any], trees: Sequence[Tree]) -> np.float32:
    """What XGBoost adds the leaves to, in its own arithmetic: its sum when all of them are 0."""
    zeros = [{**one, "split_conditions": [0.0] * len(one["split_conditions"])} for one in trees]
    model["learner"]["gradient_booster"]["model"]["trees"] = zeros
    silent = xgboost.Booster(model_file=bytearray(json.dumps(model).encode()))
    row = np.full((1, silent.num_features()), np.nan, dtype=np.float32)
    return silent.inplace_predict(row, predict_type="margin")[0]


def _tables(read: _Read) -> Forest | None:
    """Put the tables together, unless they are too large."""
    # Where no tree asks for anything, a column is looked up all the same.
    splits = dict(sorted(read.splits.items())) or {0: []}
    cuts = [np.unique(np.array([s.cut for s in of], dtype=np.float32)) for of in splits.values()]
    counts = np.array([len(one) + 1 for one in cuts])
    most_rows = min(MOST_ROWS, MOST_READ // (len(cuts) * read.every.nbytes))
    if most_rows == 0 or int((counts + 1).sum()) * read.every.nbytes > MOST_BYTES:
        return None
    masks = [_masks(of, at, read.every) for of, at in zip(splits.values(), cuts, strict=True)]
    trees, width = read.leaves.shape
    return Forest(
        columns=np.repeat([*splits], counts),
        cuts=np.concatenate([np.append(one, np.float32(np.inf)) for one in cuts])[:, None],
        starts=_starts(counts),
        counter=np.min_scalar_type(counts.max()),
        first_rows=_starts(counts + 1)[:, None],
        masks=np.concatenate(masks),
        first_leaves=np.arange(trees) * width,
        leaves=read.leaves.ravel(),
        most_rows=most_rows,
    )


def _starts(counts: Whole) -> Whole:
    return np.cumsum(counts) - counts


def _masks(splits: Sequence[_Split], cuts: Floats, every: Whole) -> Whole:
    """Masks of one column: missing, then with 0, 1, … of its cuts above (cuts + 2, trees)."""
    masks = np.tile(every, (len(cuts) + 2, 1))
    below = len(cuts) + 1 - np.searchsorted(cuts, [one.cut for one in splits])
    for one, first in zip(splits, below.tolist(), strict=True):
        rows = (
            (masks[0], one.if_missing),
            (masks[1:first], one.if_not),
            (masks[first:], one.if_below),
        )
        for part, gone in rows:
            part[..., one.tree] &= ~masks.dtype.type(gone)
    return masks


def _agrees(found: Forest, booster: xgboost.Booster) -> bool:
    """Whether the bits are XGBoost's at every cut, just below it, and where all is missing."""
    ends = [*found.starts[1:], len(found.cuts)]
    columns = [found.cuts[a : b - 1, 0] for a, b in zip(found.starts, ends, strict=True)]
    values = [
        np.concatenate([[np.float32(np.nan)], np.nextafter(one, np.float32(-np.inf)), one])
        for one in columns
    ]
    longest = max(map(len, values))
    matrix = np.full((longest, booster.num_features()), np.nan, dtype=np.float32)
    for column, of in zip(found.columns[found.starts], values, strict=True):
        matrix[:, column] = np.resize(of, longest)
    pieces = np.split(matrix, range(found.most_rows, longest, found.most_rows))
    own = np.concatenate([found.margins(piece) for piece in pieces])
    return own.tobytes() == booster.inplace_predict(matrix, predict_type="margin").tobytes()
