"""Files as a source of customers: folders and patterns, S3, the web, and what goes wrong there."""

from __future__ import annotations

import gzip
import hashlib
import io
import socket
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from churn import errors
from churn.contract import Contract
from churn.reading import fetching, places
from churn.settings import FileSource, ReadSettings, RemoteSource
from churn.snapshots import keep, unfinished_in
from churn.sources import take_snapshot
from pipelines.stage import PARTS
from tests import taken
from tests.s3 import S3
from tests.taken import Taken
from tests.web import Web, serving

CONTRACT = Contract.model_validate(
    {
        "name": "mine",
        "id": "customer",
        "target": {"column": "left", "positive": "Yes", "negative": "No"},
        "columns": {"age": {"type": "integer"}, "plan": {"type": "category"}},
    }
)
HEADER = "customer,left,age,plan\n"
ONE, TWO = f"{HEADER}C1,Yes,30,Basic\n", f"{HEADER}C2,No,41,Extra\nC3,No,52,Extra\n"
NONE = {"history": "conf/source/none/history", "current": "conf/source/none/current"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def remote(address: str, folder: Path) -> Taken:
    """What is taken from far away."""
    read = ReadSettings(history=address, current=None)
    source = RemoteSource(kind="remote", read=read, **NONE)
    with tempfile.TemporaryDirectory(dir=folder) as fetched:
        found = taken.take(source, CONTRACT, folder=Path(fetched))
        # Each file goes when it has been read.
        assert not [one for one in Path(fetched).rglob("*") if one.is_file()]
    return found


def ids(read: Taken) -> list[str]:
    return read.table["customer"].to_pylist()


# several files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two exports, and what is none."""
    found = tmp_path / "exports"
    found.mkdir()
    (found / "2.csv").write_text(ONE)
    (found / "10.csv.gz").write_bytes(gzip.compress(TWO.encode(), mtime=0))
    with pa.CompressedOutputStream(found / "3.csv.zst", "zstd") as stream:
        stream.write(ONE.replace("C1", "C4").encode())
    (found / "notes.txt").write_text("of no use")
    return found


def of_folder(folder: Path, pattern: str = "*", contract: Contract = CONTRACT) -> Taken:
    source = FileSource(kind="csv", history=str(folder), current=NONE["current"], pattern=pattern)
    return taken.take(source, contract)


def test_the_files_of_a_folder_are_read_in_the_order_of_their_names(folder: Path):
    read = of_folder(folder)

    assert ids(read) == ["C2", "C3", "C1", "C4"]
    packed = (folder / "10.csv.gz").read_bytes()
    assert read.description["files"][:2] == [
        {"file": "10.csv.gz", "bytes": len(packed), "sha256": sha256(packed)},
        {"file": "2.csv", "bytes": len(ONE), "sha256": sha256(ONE.encode())},
    ]
    assert read.description["rows"] == 4


def test_a_pattern_chooses_among_them(folder: Path, tmp_path: Path):
    assert ids(of_folder(folder, "*.csv")) == ["C1"]
    assert ids(remote(f"{folder}/[23]*.csv", tmp_path)) == ["C1"]
    with pytest.raises(
        errors.NothingFits, match=r"source\.history=.* fits source\.pattern=2027-\*"
    ):
        of_folder(folder, "2027-*")


def test_rows_of_many_files_without_an_id_have_numbers_of_their_own(folder: Path):
    nameless = CONTRACT.model_copy(update={"id": None})
    read = of_folder(folder, contract=nameless)
    assert read.table["row_number"].to_pylist() == [f"000000{n}" for n in (1, 2, 3, 4)]
    assert read.description["ignored_columns"] == ["customer"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ONE.replace("plan", "plan,city").replace("Basic", "Basic,Bonn"), "city is new"),
        ("customer,left,age\nC1,Yes,3\n", "column missing: plan"),
    ],
)
def test_a_file_whose_columns_are_others_is_named(folder: Path, content: str, said: str):
    (folder / "4.csv").write_text(content)
    with pytest.raises(errors.ChurnError, match=rf"4\.csv: .*{said}"):
        of_folder(folder)


def test_a_file_whose_types_are_others_is_named(tmp_path: Path):
    table = pa.table({"customer": ["C1"], "left": ["Yes"], "age": [30], "plan": ["Basic"]})
    pq.write_table(table, tmp_path / "1.parquet")
    pq.write_table(table.set_column(2, "age", [[30.5]]), tmp_path / "2.parquet")
    source = FileSource(kind="parquet", history=str(tmp_path), current=NONE["current"])
    with pytest.raises(errors.OtherColumns, match=r"2\.parquet: .* age is double, there int64\. F"):
        taken.take(source, CONTRACT)


def test_a_file_that_is_written_to_meanwhile_is_told(tmp_path: Path):
    (tmp_path / "a.csv").write_text(TWO)
    source = FileSource(kind="csv", history=str(tmp_path / "a.csv"), current=NONE["current"])
    tables = take_snapshot(source, CONTRACT, "history", tmp_path).tables()
    next(tables)
    with (tmp_path / "a.csv").open("a") as file:
        file.write("C4,No,60,Basic\n")
    with pytest.raises(errors.ChangedMeanwhile, match=r"a\.csv: it changed while it was read"):
        next(tables)


# S3


def test_customers_come_from_s3(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    s3.client.create_bucket(Bucket="exports")
    for name, content in {"2": ONE, "1": TWO}.items():
        s3.client.put_object(Bucket="exports", Key=f"crm/{name}.csv", Body=content.encode())

    read = remote("s3://exports/crm/*.csv", tmp_path)

    assert ids(read) == ["C2", "C3", "C1"]
    assert read.description["files"][1] == {
        "file": "s3://exports/crm/2.csv",
        "bytes": len(ONE),
        "sha256": sha256(ONE.encode()),
    }
    with pytest.raises(errors.NoSuchInput, match=r"source\.read\.history=.*did you mean '2\.csv'"):
        remote("s3://exports/crm/3.csv", tmp_path)
    with pytest.raises(errors.StoreRefused, match="there is no bucket nowhere"):
        remote("s3://nowhere/*.csv", tmp_path)


def test_a_key_that_is_not_taken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # moto then checks keys from the first request on.
    monkeypatch.setenv("INITIAL_NO_AUTH_ACTION_COUNT", "0")
    strict = S3.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", strict.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "guessed")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed-secret")
    try:
        with pytest.raises(errors.StoreRefused, match="AWS_ACCESS_KEY_ID") as raised:
            remote("s3://exports/crm/1.csv", tmp_path)
    finally:
        strict.end()
    assert "guessed-secret" not in str(raised.value)


def test_a_store_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(places, "TIMEOUT", 0.2)
    monkeypatch.setattr(places, "ATTEMPTS", 1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(errors.StoreRefused, match=r"(?i)time"):
            remote("s3://exports/crm/1.csv", tmp_path)


# the web


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory):
    with serving(tmp_path_factory.mktemp("web")) as server:
        server.files["customers.csv"] = TWO.encode()
        yield server


@pytest.fixture(autouse=True)
def _own_machine_without_a_proxy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_file_may_be_named_like_a_snapshot(s3: S3, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    s3.client.create_bucket(Bucket="named")
    for folder in ("a", "b"):
        content = io.BytesIO()
        pq.write_table(pa.csv.read_csv(io.BytesIO(ONE.encode())), content)
        key = f"{folder}/history.parquet"
        s3.client.put_object(Bucket="named", Key=key, Body=content.getvalue())
    addresses = [f"s3://named/{folder}/history.parquet" for folder in ("a", "b")]
    read = ReadSettings(history=addresses[0], current=addresses[1])
    source = RemoteSource(kind="remote", read=read, **NONE)

    with unfinished_in(tmp_path) as unfinished:
        both = {part: take_snapshot(source, CONTRACT, part, unfinished) for part in PARTS}
        keep(both, tmp_path, unfinished)

    assert {one.name for one in tmp_path.iterdir()} == {
        "history.parquet", "current.parquet", "manifest.json",
    }  # fmt: skip


@pytest.fixture
def trusted(web: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    """The server, its certificate known."""
    monkeypatch.setenv("SSL_CERT_FILE", str(web.certificate))
    return web


PIN = f"#sha256={sha256(TWO.encode())}"


def test_customers_come_from_the_web_and_no_key_is_shown(trusted: Web, tmp_path: Path):
    read = remote(f"{trusted.url}/whole/customers.csv?key=secret{PIN}", tmp_path)

    assert ids(read) == ["C2", "C3"]
    assert read.description["files"] == [
        {
            "file": f"{trusted.url}/whole/customers.csv",
            "bytes": len(TWO),
            "sha256": sha256(TWO.encode()),
        }
    ]
    assert trusted.asked[-1] == "/whole/customers.csv?key=secret"


def test_it_may_lead_elsewhere_but_not_without_encryption(trusted: Web, tmp_path: Path):
    assert ids(remote(f"{trusted.url}/moved/whole/customers.csv{PIN}", tmp_path)) == ["C2", "C3"]
    with pytest.raises(errors.DownloadFailed, match="it leads to one without https"):
        remote(f"{trusted.url}/plain/whole/customers.csv{PIN}", tmp_path)


def test_a_password_comes_from_netrc(trusted: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    address = f"{trusted.url}/secret/customers.csv{PIN}"
    with pytest.raises(errors.DownloadFailed, match=r"a name and password .* \(status 401\)"):
        remote(address, tmp_path)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login reader password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert ids(remote(address, tmp_path)) == ["C2", "C3"]


@pytest.mark.parametrize(
    ("path", "pin", "error", "said"),
    [
        ("short/customers.csv", PIN, errors.DownloadFailed, f"broke off after .* of {len(TWO)} by"),
        ("slow/customers.csv", PIN, errors.DownloadFailed, "timed out"),
        ("whole/gone.csv", PIN, errors.DownloadFailed, r"has no such file \(status 404\)"),
        ("whole/customers.csv", f"#sha256={'0' * 64}", errors.OtherContent, "pin its hash"),
        ("whole/customers.csv", "", errors.UnusableDownload, "the hash of the content is not"),
        ("whole/customers.csv", "#sha256=12", errors.UnusableDownload, "the hash of the content"),
        ("whole/customers.xlsx", PIN, errors.UnusableDownload, "does not end in .csv"),
    ],
)
def test_what_is_not_whole_or_another_is_refused(
    trusted: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path, pin, error, said
):
    monkeypatch.setattr(fetching, "TIMEOUT", 0.5)
    with pytest.raises(error, match=said) as raised:
        remote(f"{trusted.url}/{path}?key=secret{pin}", tmp_path)
    assert "secret" not in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_server_that_nobody_vouches_for_is_refused(web: Web, tmp_path: Path):
    with pytest.raises(errors.DownloadFailed, match="SSL_CERT_FILE") as raised:
        remote(f"{web.url}/whole/customers.csv{PIN}", tmp_path)
    assert "certificate" in str(raised.value)


def test_an_address_without_encryption_is_refused(tmp_path: Path):
    with pytest.raises(errors.UnusableDownload, match="nobody vouches"):
        remote(f"http://host/a.csv{PIN}", tmp_path)


def test_a_table_is_not_read_as_a_file(tmp_path: Path):
    with pytest.raises(errors.UnknownPlace, match="see source=sql"):
        remote("postgresql://host/crm#customers", tmp_path)
