"""What a user's mistakes get: one clear error, exit status 1, no traceback, no partial outs."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import Checkout

HEADER = ["cust", "age", "plan", "active", "churn"]
CONTRACT = {
    "name": "small",
    "id": "cust",
    "target": {"column": "churn", "positive": "Yes", "negative": "No"},
    "columns": {
        "age": {"type": "integer", "min": 18, "max": 100, "required": True},
        "plan": {"type": "category", "values": ["Basic", "Gold"]},
        "active": {"type": "boolean"},
    },
}
Rows = list[list[str]]


def customers(rows: int = 400) -> Rows:
    """Four hundred valid customers, a quarter of them churners."""
    return [
        [
            f"c{i:04d}",
            str(18 + i % 60),
            ("Basic", "Gold")[i % 2],
            ("Yes", "No")[i % 3 == 0],
            "Yes" if i % 4 == 0 else "No",
        ]
        for i in range(rows)
    ]


def write(path: Path, rows: Rows, header: list[str] | None = None) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header or HEADER, *rows])
    return path


@pytest.fixture(scope="module")
def cleaned(reproduced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose source is a small CSV file, three stages run. Not to be changed."""
    checkout = reproduced.copied(tmp_path_factory.mktemp("cleaned") / "checkout", cache=False)
    write(checkout.folder / "customers.csv", customers())

    def own_table(params: dict) -> None:
        params["table"] = CONTRACT
        current = "conf/source/none/current"
        params["source"] = {"kind": "csv", "history": "customers.csv", "current": current}

    checkout.change_params(own_table)
    for stage in ("load", "validate", "clean"):
        assert checkout.stage(stage).returncode == 0
    return checkout


@pytest.fixture
def small(cleaned: Checkout, tmp_path: Path) -> Checkout:
    """A copy of `cleaned` for one test."""
    return cleaned.copied(tmp_path / "checkout")


def refused(checkout: Checkout, stage: str, *words: str) -> None:
    """The stage fails with one error that has all the words, and leaves nothing behind."""
    before = files(checkout)
    done = checkout.stage(stage)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    missing = [word for word in words if word not in done.stderr]
    assert not missing, f"{missing} not in {done.stderr}"
    assert files(checkout) == before


def files(checkout: Checkout) -> dict[Path, bytes]:
    folders = [checkout.folder / name for name in ("data", "models", "reports")]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in paths}


def test_a_missing_file(small: Checkout):
    (small.folder / "customers.csv").unlink()
    refused(small, "load", "customers.csv: no such file", "source.history")


def bytes_of(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (bytes_of(b""), ["customers.csv: the file holds no customers", "header"]),
        (lambda p: write(p, []), ["customers.csv: the file holds no customers"]),
        (bytes_of(b"PAR1\x15\x04\x00\xff" * 9), ["customers.csv: cannot be read as csv"]),
        (
            bytes_of(",".join(HEADER).encode() + b"\n\xff\xfe,1,Basic,Yes,No\n"),
            ["customers.csv: cannot be read as csv", "UTF"],
        ),
        (bytes_of(b"cust,age\n1,2\n3\n"), ["customers.csv: cannot be read as csv", "columns"]),
        (
            lambda p: write(p, customers(), ["cust", "age", "plann", "active", "churn"]),
            ["column missing: plan (did you mean 'plann'?)", "There are: cust", "rename"],
        ),
        (
            lambda p: write(p, customers(), ["cust", "age", "age", "active", "churn"]),
            ["column named more than once: 'age'", "once in the header"],
        ),
    ],
    ids=[
        "empty",
        "header only",
        "parquet inside",
        "not UTF-8",
        "ragged",
        "missing column",
        "doubled column",
    ],
)
def test_a_file_that_cannot_be_loaded(small: Checkout, spoil, words):
    spoil(small.folder / "customers.csv")
    refused(small, "load", *words)


def test_a_column_whose_type_has_changed(small: Checkout):
    write(small.folder / "customers.csv", changed(1, lambda i, v: f"about {v}"))
    refused(
        small,
        "load",
        "customers.csv: column age: 100% of its values are not of type integer from 18 to 100",
        "'about 18'",
        "Correct the column or its type",
    )


def test_a_file_that_is_not_what_its_ending_says(small: Checkout):
    parquet = small.folder / "customers.parquet"
    (small.folder / "customers.csv").rename(parquet)
    small.change_params(lambda p: p["source"].update(kind="parquet", history="customers.parquet"))
    refused(small, "load", "customers.parquet: cannot be read as parquet")
    small.change_params(lambda p: p["source"].update(kind="csv"))
    refused(small, "load", "source=csv reads files that end in .csv")


def changed(column: int, value: Callable[[int, str], str]) -> Rows:
    return [
        [value(i, cell) if at == column else cell for at, cell in enumerate(row)]
        for i, row in enumerate(customers())
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (changed(4, lambda i, v: "No"), ["target churn: every customer has the value 'No'"]),
        (changed(4, lambda i, v: "Yes"), ["target churn: every customer has the value 'Yes'"]),
        (
            changed(4, lambda i, v: "maybe" if i == 7 else v),
            ["target churn: 1 row(s) with an unknown value: 'maybe'", "'Yes', 'No'"],
        ),
        (
            changed(4, lambda i, v: v if i < 196 else "No"),
            ["target churn: 49 churners, at least 50 are needed"],
        ),
        (
            changed(1, lambda i, v: "7" if i % 10 == 0 else v),
            ["history: 40 of 400 rows (10.0%) break the contract", "allows 5.0%", "age min: 40"],
        ),
        (changed(2, lambda i, v: "Silver" if i % 10 == 0 else v), ["plan values: 40"]),
        (changed(0, lambda i, v: "" if i % 10 == 0 else v), ["cust id: 40"]),
        (changed(4, lambda i, v: "" if i % 10 == 1 else v), ["churn target: 40"]),
    ],
    ids=[
        "no churner",
        "all churners",
        "third value",
        "49 churners",
        "out of range",
        "unknown category",
        "no id",
        "no target",
    ],
)
def test_a_table_that_breaks_its_contract(small: Checkout, rows: Rows, words):
    write(small.folder / "customers.csv", rows)
    assert small.stage("load").returncode == 0
    refused(small, "validate", *words)


def test_a_few_bad_rows_are_set_aside_and_counted(small: Checkout):
    rows = changed(1, {3: "7", 5: "old", 9: ""}.get)
    write(small.folder / "customers.csv", [*rows, rows[0], rows[1]])
    for stage in ("load", "validate", "clean"):
        assert small.stage(stage).returncode == 0
    counted = (small.folder / "reports/rows.json").read_text()
    assert '"rows_in": 402' in counted
    assert '"quarantined": 3' in counted
    assert '"duplicates": 2' in counted
    assert '"rows_out": 397' in counted


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda p: p["table"]["columns"]["age"].update(minn=3),
            ["table.columns.age", "unknown key 'minn' (did you mean 'min'?)"],
        ),
        (
            lambda p: p["table"]["columns"]["age"].update(type="int"),
            ["table.columns.age", "'int'", "'integer', 'number', 'boolean', 'category'"],
        ),
        (
            lambda p: p["table"].update(features="churn.features.telcoo"),
            ["no module 'churn.features.telcoo' (did you mean 'churn.features.telco'?)"],
        ),
        (
            lambda p: p["table"].update(features="churn.features.telco"),
            ["feature ", "is no column, constant or feature of this table"],
        ),
        (lambda p: p["model"].update(max_depth=0), ["model.max_depth: 0 is not allowed"]),
        (
            lambda p: p["model"].update(max_dpeth=4),
            ["model: unknown key 'max_dpeth' (did you mean 'max_depth'?)"],
        ),
        (lambda p: p.update(modle={}), ["unknown key 'modle' (did you mean 'model'?)"]),
        (lambda p: p.pop("split"), ["split: missing"]),
    ],
    ids=[
        "contract typo",
        "unknown type",
        "unknown features",
        "feature without its column",
        "out of range",
        "misspelt",
        "unknown group",
        "missing group",
    ],
)
def test_a_wrong_parameter_or_contract(small: Checkout, change, words):
    small.change_params(change)
    refused(small, "featurize", *words)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "def doubled(agee):\n    return agee\n",
            ["feature doubled: parameter 'agee'", "did you mean 'age'?"],
        ),
        (
            "def a(b):\n    return b\n\n\ndef b(a):\n    return a\n",
            ["features need one another in a circle: a -> b -> a"],
        ),
        ("def age(active):\n    return active\n", ["feature age of", "Rename one of the two"]),
        ("def one(age):\n    return 1\n", ["feature one: returned int", "length 400"]),
    ],
    ids=["unknown column", "circle", "taken name", "no array"],
)
def test_a_wrong_feature_function(small: Checkout, code: str, words):
    (small.folder / "src/churn/features/own.py").write_text(code)
    small.change_params(lambda p: p["table"].update(features="churn.features.own"))
    refused(small, "featurize", *words)


def test_a_feature_of_what_is_known_only_after_the_event(small: Checkout):
    code = "def doubled(active):\n    return active * 2\n"
    (small.folder / "src/churn/features/own.py").write_text(code)

    def known_later(params: dict) -> None:
        params["table"]["columns"]["active"]["after_event"] = True
        params["table"]["features"] = "churn.features.own"

    small.change_params(known_later)
    words = ["feature doubled: parameter 'active' is marked after_event", "take the mark off"]
    refused(small, "featurize", *words)


def test_parameters_that_are_no_yaml(small: Checkout):
    (small.folder / "params.yaml").write_text("model: [unclosed\n")
    refused(small, "load", "params.yaml: cannot be read", "make compose")


def test_the_generator_draws_its_own_table_only(small: Checkout):
    small.change_params(
        lambda p: p.update(
            source={
                "kind": "synthetic",
                "history": "conf/source/none/history",
                "current": "conf/source/none/current",
                "seed": 1,
                "history_rows": 10,
                "current_rows": 10,
                "drift": "none",
            }
        )
    )
    refused(
        small,
        "load",
        "table=telco as it ships, not those of small",
        "tenure_months (missing)",
    )


def test_a_changed_bundle(checkout: Checkout):
    model = checkout.folder / "models/churn/model.ubj"
    model.write_bytes(model.read_bytes()[:-10])
    refused(checkout, "evaluate", "models/churn/model.ubj", "its hash is not the one")
