"""What raw values mean: text and other types, as exports have them, into typed `columns`.

`validation` and `cleaning` both read values through here, so what passes one means the same to the
other. Understood are space around a value, any capitals in categories, commas between thousands
(`2,159.76`), the usual words for yes and no, and the usual words for a missing value. A word that
the contract lists as a category, such as `None`, is that category.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churn.columns import Array
from churn.contract import MISSING, BooleanColumn, CategoryColumn, Column, Target
from churn.tables import to_values

MISSING_WORDS = ("", "na", "n/a", "#n/a", "nan", "null", "none", MISSING)
YES, NO = ("yes", "true", "y", "t", "1", "1.0"), ("no", "false", "n", "f", "0", "0.0")
NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?$"
WITH_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$"

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Parsed:
    """Typed values of one column, all of shape (n,).

    Attributes:
        values: float64 with NaN, or objects with None, for missing and unreadable values.
        missing: no value was given.
        unreadable: a value was given that is not of the column's type.
    """

    values: Array
    missing: Mask
    unreadable: Mask


def parse(raw: pa.ChunkedArray, column: Column) -> Parsed:
    """Read the values of a feature column.

    In a category with listed values, a spelling that differs in capitals or outer space becomes
    the listed one; a word that is not listed stays as it is, for validation to refuse.
    """
    array = raw.combine_chunks()
    if pa.types.is_dictionary(array.type) and len(array.dictionary) <= len(array):
        return _by_level(array, column)
    array = _decoded(raw)
    if isinstance(column, CategoryColumn):
        return _category(array, column)
    if _is_number(array):
        return _numeric(array, only_bits=isinstance(column, BooleanColumn))
    text, key = _text(array)
    missing = _mask(pc.is_in(key, pa.array(MISSING_WORDS)))
    read = _words_for_bits(key) if isinstance(column, BooleanColumn) else _numbers(text, missing)
    return Parsed(read, missing, ~missing & ~np.isfinite(read))


def parse_id(raw: pa.ChunkedArray) -> Array:
    """Customer ids as text without outer space, None where missing, `NA` included; shape (n,)."""
    text, key = _text(_decoded(raw))
    missing = pc.is_in(key, pa.array(MISSING_WORDS))
    return pc.if_else(missing, None, text).to_numpy(zero_copy_only=False)


def parse_target(raw: pa.ChunkedArray, target: Target) -> Parsed:
    """Read outcomes: 1 for the positive value, 0 for the negative, NaN for missing or another."""
    _, key = _text(_decoded(raw))
    _, words = _text(pa.array([target.negative, target.positive]))
    known = _floats(pc.index_in(key, words))
    missing = np.isnan(known) & _mask(pc.is_in(key, pa.array(MISSING_WORDS)))
    return Parsed(known, missing, np.isnan(known) & ~missing)


def as_text(raw: pa.ChunkedArray) -> pa.Array:
    """Values as they would be shown to a person; null and NaN as the empty text."""
    array = _decoded(raw)
    if pa.types.is_floating(array.type):
        array = _digits(pc.if_else(pc.is_nan(array), None, array))
    return pc.fill_null(pc.cast(array, pa.string()), "")


def _digits(numbers: pa.Array) -> pa.Array:
    """Floats as text; whole ones, which a gap has turned into floats, as integers again."""
    is_whole = pc.and_(pc.equal(pc.trunc(numbers), numbers), pc.less(pc.abs(numbers), 2.0**63))
    whole = pc.if_else(is_whole, numbers, None).cast(pa.int64())
    return pc.coalesce(whole.cast(pa.string()), numbers.cast(pa.string()))


def _by_level(array: pa.DictionaryArray, column: Column) -> Parsed:
    """Read each level once, however many rows have it."""
    levels = parse(pa.chunked_array([array.dictionary]), column)
    codes = array.indices.cast(pa.int64()).fill_null(len(levels.values)).to_numpy()
    nothing = None if levels.values.dtype == object else np.nan
    values = np.append(levels.values, np.array([nothing], dtype=levels.values.dtype))
    missing, unreadable = np.append(levels.missing, True), np.append(levels.unreadable, False)
    return Parsed(values[codes], missing[codes], unreadable[codes])


def _decoded(raw: pa.ChunkedArray) -> pa.Array:
    array = raw.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    # Arrow rounds a decimal to a float otherwise than its digits are read.
    if pa.types.is_null(array.type) or pa.types.is_decimal(array.type):
        array = array.cast(pa.string())
    return array


def _is_number(array: pa.Array) -> bool:
    kind = array.type
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    return any(check(kind) for check in checks)


def _text(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Values as trimmed text, and their folded form for comparison."""
    text = pc.utf8_trim_whitespace(as_text(pa.chunked_array([array])))
    # Through capitals, so that both small sigmas are one.
    return text, pc.utf8_lower(pc.utf8_upper(text))


def _mask(array: pa.Array) -> Mask:
    return array.to_numpy(zero_copy_only=False).astype(bool)


def _floats(array: pa.Array) -> Array:
    return array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)


def _numeric(array: pa.Array, *, only_bits: bool) -> Parsed:
    values = _floats(array)
    missing = np.isnan(values)
    allowed = (values == 0) | (values == 1) if only_bits else np.isfinite(values)
    return Parsed(np.where(allowed, values, np.nan), missing, ~missing & ~allowed)


def _numbers(text: pa.Array, missing: Mask) -> Array:
    """Text to float64, correctly rounded; NaN where it is no finite number."""
    quick = _plain_numbers(pc.if_else(pa.array(missing), None, text))
    if quick is not None:
        return quick
    grouped = pc.match_substring_regex(text, WITH_THOUSANDS)
    plain = pc.if_else(grouped, pc.replace_substring(text, ",", ""), text)
    is_number = pc.and_(pc.match_substring_regex(plain, NUMBER), pa.array(~missing))
    plain = pc.replace_substring_regex(plain, r"^\+", "")
    values = _floats(pc.if_else(is_number, plain, None))
    return np.where(np.isfinite(values), values, np.nan)


def _plain_numbers(text: pa.Array) -> Array | None:
    """The same at once where all are written plainly; None where one of them is not."""
    if any(pc.any(pc.match_substring(text, e)).as_py() for e in "eE"):
        return None
    try:
        values = _floats(text)
    except pa.ArrowInvalid:
        return None
    return values if np.isfinite(values[_mask(pc.is_valid(text))]).all() else None


def _words_for_bits(key: pa.Array) -> Array:
    yes, no = _mask(pc.is_in(key, pa.array(YES))), _mask(pc.is_in(key, pa.array(NO)))
    return np.where(yes, 1.0, np.where(no, 0.0, np.nan))


def _category(array: pa.Array, column: CategoryColumn) -> Parsed:
    text, key = _text(array)
    listed = pa.array(column.values or (), pa.string())
    number = pc.index_in(key, _text(listed)[1])
    canonical = pc.take(listed, number)
    is_listed = _mask(pc.is_valid(number))
    missing = ~is_listed & _mask(pc.is_in(key, pa.array(MISSING_WORDS)))
    word = pc.if_else(pa.array(missing), None, pc.coalesce(canonical, text))
    values = to_values(pc.dictionary_encode(word))
    return Parsed(values, missing, np.zeros(len(text), dtype=bool))
