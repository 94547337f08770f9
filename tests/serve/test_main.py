"""The command line: what is told is taken, what is wrong is told, and nobody is let in unasked."""

import socket

import pytest

from churn.errors import AddressNeedsKeys, AddressTaken, UnusableKeys
from serve.main import arguments, serve
from serve.shared import Shared
from tests.serve.models import SETTINGS


def test_without_a_word_it_serves_the_built_model_on_this_machine_only():
    found = arguments([], {})

    assert (found.model, found.host, found.port) == ("models/churn", "127.0.0.1", 8000)
    assert (found.metrics_port, found.insecure) == (None, False)


def test_the_environment_is_taken_and_the_command_line_goes_before_it():
    told = {"MODEL": "prod", "HOST": "0.0.0.0", "PORT": "9000", "METRICS_PORT": "9001"}  # noqa: S104

    found = arguments([], told)
    assert (found.model, found.host) == ("prod", "0.0.0.0")  # noqa: S104
    assert (found.port, found.metrics_port) == (9000, 9001)

    found = arguments(["--model", "v1.2.0", "--port", "1024", "--host", "::"], told)
    assert (found.model, found.host, found.port) == ("v1.2.0", "::", 1024)


def test_an_empty_variable_is_none():
    assert arguments([], dict.fromkeys(("MODEL", "HOST", "PORT", "METRICS_PORT"), "")) == arguments(
        [], {}
    )


@pytest.mark.parametrize("text", ["http", "0", "80", "1023", "65536", "-1", "8000.0", "", "9" * 99])
@pytest.mark.parametrize("name", ["port", "metrics-port"])
def test_a_port_that_is_none_is_refused(text, name, capsys):
    with pytest.raises(SystemExit, match="2"):
        arguments([f"--{name}={text}"], {})
    assert f"argument --{name}: '{text}' is not allowed; give 1024 to 65535" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("host", ["localhost", "example.invalid", "192.168.1.7", "127.0.0.2"])
@pytest.mark.parametrize("is_in_environment", [True, False])
def test_an_address_that_is_none_of_three_is_refused(host, is_in_environment, capsys):
    given = ([], {"HOST": host}) if is_in_environment else (["--host", host], {})
    with pytest.raises(SystemExit, match="2"):
        arguments(*given)
    message = f"argument --host: '{host}' is not allowed; give 127.0.0.1, 0.0.0.0, ::"
    assert message in capsys.readouterr().err


def test_probes_need_a_port_of_their_own(capsys):
    with pytest.raises(SystemExit, match="2"):
        arguments([], {"PORT": "9000", "METRICS_PORT": "9000"})
    assert "argument --metrics-port: 9000 is --port's; give another" in capsys.readouterr().err


# who is let in


def _serve(tmp_path, *words):
    return serve(arguments([*words], {}), SETTINGS, Shared(tmp_path))


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104
def test_without_keys_no_other_machine_is_let_in(tmp_path, monkeypatch, host):
    monkeypatch.delenv("CHURN_API_KEYS", raising=False)
    monkeypatch.delenv("CHURN_API_KEYS_FILE", raising=False)

    with pytest.raises(AddressNeedsKeys, match=f"HOST={host}: without keys the server listens on"):
        _serve(tmp_path, "--host", host)


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.socket() as one:
        one.bind(("0.0.0.0", 0))  # noqa: S104
        one.listen()
        yield str(one.getsockname()[1])


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("", ["--host", "127.0.0.1"]),
        ("", ["--host", "0.0.0.0", "--insecure"]),  # noqa: S104
        ("correct-horse-battery", ["--host", "0.0.0.0"]),  # noqa: S104
    ],
    ids=str,
)
def test_with_keys_or_told_so_it_would_listen_were_the_port_not_taken(
    tmp_path, monkeypatch, taken, keys, words
):
    monkeypatch.setenv("CHURN_API_KEYS", keys)
    port = int(taken)

    message = f"PORT={port}: .*it is in use. Name another: PORT={port + 1}"
    with pytest.raises(AddressTaken, match=message):
        _serve(tmp_path, *words, "--port", taken)


def test_weak_keys_are_no_keys(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_API_KEYS", "1234")

    with pytest.raises(UnusableKeys, match="CHURN_API_KEYS: key 1 is shorter than 16"):
        _serve(tmp_path, "--host", "0.0.0.0")  # noqa: S104
