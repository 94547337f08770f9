"""What the tests of batch scoring share: a model on disk, and a job as `make score` does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from churn.batch.job import job
from churn.batch.run import Summary, run
from churn.columns import Columns
from churn.tables import arrow_type, to_arrow
from tests.serve.models import SETTINGS, ids, shop, some, telco
from tests.small import TELCO

Score = Callable[..., Summary]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of bundles by name."""
    folder = tmp_path_factory.mktemp("models")
    for name, bundle in {"telco": telco(), "shop": shop()}.items():
        bundle.save(folder / name)
    return folder


@pytest.fixture
def score(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Score:
    """Does a job in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)

    def done(**variables: object) -> Summary:
        given = {name: str(value) for name, value in variables.items()}
        return run(job({"MODEL": str(models / "telco"), **given}), SETTINGS)

    return done


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database of each kind that scores may go to."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/100%/log.db"
    names = {"postgresql": "new_database", "mysql": "new_mysql_database"}
    address: str = request.getfixturevalue(names[request.param])()
    return address


def table_of(columns: Columns) -> pa.Table:
    """Customers as a stored table."""
    names = {"customer_id": pa.array(ids(len(next(iter(columns.values())))))}
    arrays = {n: to_arrow(v, arrow_type(TELCO.columns[n])) for n, v in columns.items()}
    return pa.table(names | arrays)


def customers(rows: int, seed: int = 0) -> pa.Table:
    """Customers that can be scored."""
    return table_of(some(rows, seed))
