"""What the tests share: a world of their own, and checkouts in which the pipeline has run small."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from tests import mariadb, postgres
from tests.checkout import ROOT, Checkout
from tests.once import made_once
from tests.s3 import CREDENTIALS, S3

# The shipped configuration made small, where it stands: dvc exp run composes conf/ anew.
SMALL = {
    "conf/source/synthetic.yaml": {"history_rows": 2000, "current_rows": 400},
    "conf/model/xgboost.yaml": {"n_estimators": 30},
    "conf/evaluate/default.yaml": {"resamples": 100},
    # No store of that name: each run is kept, and the seconds that MLflow takes are saved.
    "conf/tracking/default.yaml": {"uri": "none"},
}


def use_the_embedded_table(config: dict[str, Any]) -> None:
    """Whatever table a team has made its default, these tests run on the generator's."""
    for entry in config["defaults"]:
        for group, choice in {"table": "telco", "source": "synthetic"}.items():
            if entry != "_self_" and group in entry:
                entry[group] = choice


@pytest.fixture(scope="session", autouse=True)
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's git, DVC or S3 settings; every tool is this venv's."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text("[user]\n name = Test\n email = test@example.invalid\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith(("GIT_", "DVC_", "XDG_", "AWS_"))]:
            patch.delenv(name)
        # Of `make test`: a make that it calls would say which folder it enters.
        for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            patch.delenv(name, raising=False)
        # A shell has what it starts in the background ignore it, and every server after that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        patch.setenv("HOME", str(home))
        patch.setenv("DVC_SITE_CACHE_DIR", str(home / "dvc-site"))
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("VENV", str(Path(sys.executable).parent.parent))
        yield


def _reproduce(checkout: Checkout) -> None:
    names = subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True
    ).splitlines()
    for name in names:
        if (ROOT / name).is_file():
            (checkout.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout.folder / name)
    checkout.run("git", "init", "-q", "-b", "main")
    checkout.change_yaml("conf/config.yaml", use_the_embedded_table)
    for name, values in SMALL.items():
        checkout.change_yaml(name, lambda content, new=values: content.update(new))
    checkout.compose()
    checkout.run("dvc", "repro", "-q")
    checkout.commit("small")


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The working tree's files, committed, with small parameters and the pipeline run once.

    Not to be changed: take a `checkout`.
    """
    return made_once("reproduced", tmp_path_factory, _reproduce)


@pytest.fixture
def checkout(reproduced: Checkout, tmp_path: Path) -> Checkout:
    """A copy of `reproduced` for one test, its outs and cache in place."""
    return reproduced.copied(tmp_path / "checkout")


@pytest.fixture(scope="session")
def two_models(reproduced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """`reproduced`, and on top of it a commit whose model asks a single question.

    Not to be changed: take a copy.
    """

    def make(checkout: Checkout) -> None:
        reproduced.copied(checkout.folder)
        worse = {"n_estimators": 1, "max_depth": 1}
        checkout.change_yaml("conf/model/xgboost.yaml", lambda it: it.update(worse))
        checkout.compose()
        checkout.run("dvc", "repro", "-q")
        checkout.commit("a single question")

    return made_once("two_models", tmp_path_factory, make)


@pytest.fixture
def tagged(two_models: Checkout, tmp_path: Path) -> Checkout:
    """A checkout whose model is v1.2.0 and in production, and in which another has been built."""
    checkout = two_models.copied(tmp_path / "checkout")
    for tag in ("churn@v1.2.0", "churn#prod#1"):
        checkout.run("git", "tag", tag, "HEAD~1")
    return checkout


@pytest.fixture(scope="session")
def real_table() -> Callable[[str], Path]:
    """Path of one of the real customer tables beside the repository; skips where it is absent."""

    def path(name: str) -> Path:
        found = ROOT.parent / "shared" / "data" / name
        if not found.is_file():
            pytest.skip(f"{name} is not in ../shared/data: the real tables are kept outside")
        return found

    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """Headless Chromium, its console and network in the logs."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium refuses to sandbox root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with Chrome(options=options, service=ChromeService(driver)) as chrome:
        yield chrome


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 endpoint, whose credentials are in the environment from then on."""
    server = S3.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield server
    server.end()


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """Address of a PostgreSQL server: the one at `POSTGRES_URL`, or the tests' own."""
    if given := os.environ.get("POSTGRES_URL"):
        yield given
        return
    server = _own_postgres()
    yield server.url()
    server.remove()


@pytest.fixture
def new_database(postgres_address: str) -> Callable[[], str]:
    """Makes an empty database on PostgreSQL and gives its address."""
    return lambda: postgres.new_database(postgres_address)


@pytest.fixture(scope="session")
def mysql_address() -> Iterator[str]:
    """Address of a MySQL or MariaDB server: the one at `MYSQL_URL`, or the tests' own."""
    if given := os.environ.get("MYSQL_URL"):
        yield given
        return
    if not mariadb.SERVER.exists() and os.environ.get("CI") != "true":
        pytest.skip("needs Debian's package mariadb-server, or MYSQL_URL")
    server = mariadb.MariaDb()
    yield server.url
    server.remove()


@pytest.fixture
def new_mysql_database(mysql_address: str) -> Callable[[], str]:
    """Makes an empty database on MySQL or MariaDB and gives its address."""
    return lambda: mariadb.new_database(mysql_address)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/100%/log.db"
    address: str = request.getfixturevalue("new_database")()
    return address


@pytest.fixture
def own_postgres() -> Iterator[postgres.Postgres]:
    """A PostgreSQL server for one test, which may stop and start it."""
    server = _own_postgres()
    yield server
    server.remove()


def _own_postgres() -> postgres.Postgres:
    if not postgres.BINARIES and os.environ.get("CI") != "true":
        pytest.skip("needs Debian's package postgresql, or POSTGRES_URL")
    return postgres.Postgres()
