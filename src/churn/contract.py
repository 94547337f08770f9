"""The contract of a table: its columns, their types, ranges and roles.

The single source for validation, cleaning, the API's request model and the drift bins. One contract
is one YAML file in `conf/table/`; the rules of writing one are in README, "Bring your own table".
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from churn.wording import did_you_mean

# Names of the project's own: the model's score, bins among levels, columns beside the customer's.
SCORE = "churn_probability"
MISSING, UNSEEN = "(missing)", "(unseen)"
ROW_NUMBER, ROW_IN_SNAPSHOT, REASONS = "row_number", "row_in_snapshot", "reasons"
RESERVED = (SCORE, ROW_IN_SNAPSHOT, REASONS)


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not allowed: it is no number")
    return value


Whole = Annotated[int, BeforeValidator(_no_boolean)]
Number = Annotated[float, BeforeValidator(_no_boolean)]
# Beyond it not every whole number is a float64.
LARGEST_EXACT = 2**53
# Columns of one unit, from which on their sum is a model input.
LEAST_PARTS = 3
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Frozen(BaseModel):
    """Base of everything read from configuration: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _knows_every_key(cls, data: Any) -> Any:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in data if isinstance(data, dict) else ():
            if key not in known:
                raise ValueError(
                    f"unknown key {key!r}{did_you_mean(str(key), known)}; "
                    f"allowed are {', '.join(known)}"
                )
        return data


class _Column(Frozen):
    unit: str | None = None
    description: str | None = None
    required: bool = False
    after_event: bool = False

    @model_validator(mode="after")
    def _is_known_when_asked(self) -> Self:
        if self.required and self.after_event:
            raise ValueError(
                "required and after_event: what is known only after the event is not there "
                "when a prediction is asked for"
            )
        return self


class _Number(_Column):
    min: Number | None = None
    max: Number | None = None
    above: Number | None = None
    below: Number | None = None
    bands: Annotated[tuple[Number, ...], Field(min_length=1)] | None = None

    @field_validator("bands")
    @classmethod
    def _bands_rise(cls, bands: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if bands and list(bands) != sorted(set(bands)):
            raise ValueError(f"{list(bands)} must rise from bound to bound")
        return bands

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        lows = [bound for bound in (self.min, self.above) if bound is not None]
        highs = [bound for bound in (self.max, self.below) if bound is not None]
        if lows and highs:
            low, high = max(lows), min(highs)
            touching_is_empty = low in (self.above, self.below) or high == self.below
            if low > high or (low == high and touching_is_empty):
                raise ValueError(f"no value can be {self.allowed}")
        return self

    @property
    def allowed(self) -> str:
        """The range in words, such as `integer from 18 to 100 years`."""
        words = {"from": self.min, "above": self.above, "to": self.max, "below": self.below}
        parts = [f"{word} {bound:g}" for word, bound in words.items() if bound is not None]
        return " ".join([self.type, *parts, *([self.unit] if self.unit else [])])  # type: ignore[attr-defined]


class IntegerColumn(_Number):
    """A whole number."""

    type: Literal["integer"]

    @model_validator(mode="after")
    def _bounds_are_exact(self) -> Self:
        for bound in (self.min, self.max, self.above, self.below):
            if bound is not None and abs(bound) > LARGEST_EXACT:
                raise ValueError(f"{bound:g} is beyond 2^53, where whole numbers are not exact")
        return self


class NumberColumn(_Number):
    """A real number."""

    type: Literal["number"]


class BooleanColumn(_Column):
    """A yes or no; `Yes/No`, `true/false`, `y/n`, `1/0` are understood."""

    type: Literal["boolean"]

    @property
    def allowed(self) -> str:
        """The values in words."""
        return "boolean: Yes or No"


def folded(text: str) -> str:
    """The form in which two spellings of one category are equal: case and outer space ignored."""
    return text.strip().lower()


class CategoryColumn(_Column):
    """One of a set of words: a closed set where `values` are listed, open otherwise."""

    type: Literal["category"]
    values: tuple[str, ...] | None = None

    @field_validator("values", mode="before")
    @classmethod
    def _are_text(cls, values: object) -> object:
        odd = [v for v in values if not isinstance(v, str)] if isinstance(values, list) else []
        if odd:
            raise ValueError(f"{odd[0]!r} is not text; put it in quotation marks")
        return values

    @field_validator("values")
    @classmethod
    def _are_distinct(cls, values: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if values is None:
            return None
        if not values:
            raise ValueError("the list is empty; leave values out for an open set")
        seen: dict[str, str] = {}
        for value in values:
            if value != value.strip() or not value:
                raise ValueError(f"{value!r} is empty or has space around it")
            if value in (MISSING, UNSEEN):
                raise ValueError(f"{value!r} is the project's own word")
            if (twin := seen.setdefault(folded(value), value)) is not value:
                raise ValueError(f"{twin!r} and {value!r} differ in capitals only")
        return values

    @property
    def allowed(self) -> str:
        """The values in words."""
        return f"one of {', '.join(self.values)}" if self.values else "category (any text)"


Column = Annotated[
    IntegerColumn | NumberColumn | BooleanColumn | CategoryColumn, Field(discriminator="type")
]


class Target(Frozen):
    """The outcome to predict: its column and the two values it can have."""

    column: Name
    positive: str
    negative: str

    @field_validator("positive", "negative", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not text; put it in quotation marks")
        return value

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        if folded(self.positive) == folded(self.negative):
            raise ValueError(
                f"positive {self.positive!r} and negative {self.negative!r} are the same value"
            )
        return self


class Contract(Frozen):
    """One kind of customer table.

    Attributes:
        name: of the table, and of its file in `conf/table/`.
        id: column that identifies a customer; None takes the row number.
        target: outcome column.
        features: module of feature functions (`churn.features.<name>`); None uses the columns as
            they are.
        constants: numbers that feature functions may name as parameters.
        rename: the source's own column name → the contract's.
        columns: feature columns by name, in the order in which the model sees them.
    """

    name: Name
    id: Name | None = None
    target: Target
    features: Annotated[str, Field(pattern=r"^churn\.features\.[a-z_][a-z0-9_]*$")] | None = None
    constants: dict[Name, Number] = {}
    rename: dict[str, Name] = {}
    columns: dict[Name, Column] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        for role, name in (("the id", self.id), ("the target", self.target.column)):
            if name in self.columns:
                raise ValueError(f"columns.{name} is {role}; it cannot be a feature as well")
        if self.id == self.target.column:
            raise ValueError(f"{self.id} is both id and target")
        if both := sorted(set(self.constants) & set(self.columns)):
            raise ValueError(f"{both[0]} is both a constant and a column")
        taken = {*RESERVED, *(() if self.id else (ROW_NUMBER,))}
        for name in (self.id, self.target.column, *self.columns, *self.constants):
            if name in taken:
                raise ValueError(f"{name} is a name of the project's own; rename the column")
        return self

    @model_validator(mode="after")
    def _renames_lead_somewhere(self) -> Self:
        sources: dict[str, str] = {}
        for own, name in self.rename.items():
            if name not in {*self.columns, self.id, self.target.column}:
                raise ValueError(f"rename.{own}: {name} is no column, id or target")
            if (other := sources.setdefault(name, own)) != own:
                raise ValueError(f"rename: {other} and {own} both lead to {name}")
        return self

    @model_validator(mode="after")
    def _totals_have_names_of_their_own(self) -> Self:
        names = {self.id, self.target.column, *self.columns, *self.constants}
        if taken := [name for name in self.totals if name in names]:
            raise ValueError(f"{taken[0]} is the name of a sum of columns; rename the column")
        return self

    @property
    def totals(self) -> dict[str, tuple[str, ...]]:
        """Columns that are added up to one more model input, by its name.

        Three numbers or more of one unit are most often parts of a whole, such as the charges of
        day, evening and night. Trees cut one column at a time and can follow a sum only in steps.
        """
        units: dict[str, list[str]] = {}
        for name in self.known_columns:
            if isinstance(one := self.columns[name], IntegerColumn | NumberColumn) and one.unit:
                units.setdefault("_".join(one.unit.split()), []).append(name)
        return {f"sum_of_{unit}": tuple(n) for unit, n in units.items() if len(n) >= LEAST_PARTS}

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Every column that a labelled source must have: id (if any), target, features."""
        return (*((self.id,) if self.id else ()), self.target.column, *self.columns)

    @property
    def known_columns(self) -> tuple[str, ...]:
        """Columns that are known when a prediction is asked for: all but those `after_event`."""
        return tuple(name for name, column in self.columns.items() if not column.after_event)

    @property
    def sliced_columns(self) -> tuple[str, ...]:
        """Known columns that divide customers into kinds: numbers only with `bands`."""
        return tuple(
            name
            for name in self.known_columns
            if not isinstance(one := self.columns[name], _Number) or one.bands
        )

    @property
    def id_column(self) -> str:
        """The name under which the id travels through the pipeline."""
        return self.id or ROW_NUMBER
