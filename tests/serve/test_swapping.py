"""Several models: a challenger beside the champion, and another model without a pause."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from churn.splitting import in_share
from tests.serve.conftest import Customers, Model, Serving
from tests.serve.load import Load, load
from tests.serve.running import Running
from tests.serve.test_access import ADMIN, KEYS
from tests.serve.test_api import SHORT
from tests.waiting import until


def challenger(model: Model, mode: str, share: float) -> dict:
    return {"model": str(model.folder), "mode": mode, "share": share, "salt": "a"}


@pytest.fixture
def folder(telco: Model, tmp_path: Path) -> Model:
    """A copy of the model that a test may replace."""
    return Model(Path(shutil.copytree(telco.folder, tmp_path / "model")), telco.scorer)


def replace(folder: Model, new: Model) -> None:
    shutil.rmtree(folder.folder)
    shutil.copytree(new.folder, folder.folder)


def belongs(answer: dict, models: list[Model], expected: dict[str, list[float]], i: int) -> bool:
    """Whether a probability is that of the model that the answer names."""
    assert answer["model_version"] in [one.version for one in models]
    return answer["churn_probability"] == expected[answer["model_version"]][i]


def probabilities(models: list[Model], customers: Customers) -> dict[str, list[float]]:
    return {one.version: one.scorer.probabilities(customers.columns).tolist() for one in models}


def test_a_challenger_answers_its_share_of_the_customers(
    serving: Serving, telco: Model, other: Model, customers: Customers
):
    server = serving(telco, challenger=challenger(other, "split", 0.3))
    models, many = [telco, other], customers.some(2500)
    ids = [one["customer_id"] for one in many.requests]
    theirs = in_share(ids, "a", 0.3).astype(int)
    expected = probabilities(models, many)

    batch = server.post("/predict/batch", many.requests[:600]).json["predictions"]
    large = server.post("/predict/batch", {"columns": many.as_columns()}).json["predictions"]
    alone = [server.post("/predict", one).json for one in many.requests[:100]]

    for answers in (batch, large, alone):
        assert {one["model_version"] for one in answers} == {telco.version, other.version}
        for i, answer in enumerate(answers):
            assert answer["model_version"] == models[theirs[i]].version
            assert belongs(answer, models, expected, i)
    info = server.get("/info").json["challenger"]
    assert (info["model_version"], info["mode"], info["share"]) == (other.version, "split", 0.3)
    scored = [server.metric(f'churn_predictions_total{{model_version="{v}"') for v in expected]
    count = 600 + 2500 + 100
    assert sum(scored) == count
    assert scored[1] == sum(theirs[:600]) + sum(theirs) + sum(theirs[:100])


def test_a_shadow_is_compared_and_never_answers(
    serving: Serving, telco: Model, other: Model, customers: Customers
):
    server = serving(telco, challenger=challenger(other, "shadow", 1.0))
    expected = probabilities([telco, other], customers)

    batch = server.post("/predict/batch", customers.requests).json["predictions"]
    alone = [server.post("/predict", one).json for one in customers.requests[:50]]
    refused = server.post("/predict", {**SHORT, "age": 7})

    assert refused.status == 422
    for answers in (batch, alone):
        for i, answer in enumerate(answers):
            assert answer["churn_probability"] == expected[telco.version][i]
            assert answer["model_version"] == telco.version
    until(lambda: server.metric("churn_shadow_customers_total") == 650, "650 compared")
    thresholds = [one.scorer.bundle.manifest.threshold for one in (telco, other)]
    decided = [
        [p >= bound for p in ps] for ps, bound in zip(expected.values(), thresholds, strict=True)
    ]
    differ = [ours != theirs for ours, theirs in zip(*decided, strict=True)]
    assert server.metric("churn_shadow_disagreements_total") == sum(differ) + sum(differ[:50])
    assert server.metric("churn_shadow_difference_count") == 650
    assert server.metric("churn_shadow_difference_sum") > 0
    assert server.metric("churn_shadow_dropped_total") == 0
    assert server.metric("churn_model_info{") == 2


def under_load(server: Running, customers: Customers, change, models: list[Model]) -> Load:
    """Change the model while customers are scored; every answer must be one model's own."""
    requests = [json.dumps(one).encode() for one in customers.requests]
    batch = json.dumps(customers.requests).encode()
    large = json.dumps(customers.some(2400).requests).encode()

    def question(number: int):
        if number % 20 < 18:
            return "/predict", requests[number % 600]
        return "/predict/batch", batch if number % 20 == 18 else large

    with load(server.port, question) as found:
        found.wait_for(100)
        change()
        found.wait_for(100)
    expected = probabilities(models, customers)
    assert found.statuses().keys() == {200}
    for one in found.found:
        answer = one.reply.json
        if one.number % 20 < 18:
            assert belongs(answer, models, expected, one.number % 600)
            continue
        assert len({row["model_version"] for row in answer["predictions"]}) == 1
        for i, row in enumerate(answer["predictions"]):
            assert belongs(row, models, expected, i % 600)
    return found


def test_sighup_changes_the_model_without_a_failed_request(
    serving: Serving, folder: Model, telco: Model, other: Model, customers: Customers
):
    server = serving(folder)

    def change() -> None:
        replace(folder, other)
        server.signal(signal.SIGHUP)
        until(lambda: server.get("/info").json["model_version"] == other.version, "the new model")

    found = under_load(server, customers, change, [telco, other])

    versions = [one.reply.json.get("model_version") for one in found.found]
    assert {telco.version, other.version} <= {*versions}
    assert server.metric('churn_model_info{data_sha256="') == 1
    assert (
        f'model_version="{other.version}",role="champion"' in server.get("/metrics").body.decode()
    )


def test_a_command_changes_the_model_back_and_forth(
    serving: Serving, folder: Model, telco: Model, other: Model, customers: Customers
):
    server = serving(folder, environment=KEYS)
    crm = {"X-API-Key": ADMIN}
    told = []

    for model in (other, telco, other):
        replace(folder, model)
        told.append(server.ask("POST", "/admin/reload", headers=crm).json["model_version"])
        answers = [server.ask("POST", "/predict", json.dumps(SHORT), crm).json for _ in range(20)]
        # Every process has changed when the command is answered.
        assert {one["model_version"] for one in answers} == {model.version}
        large = json.dumps(customers.some(2100).requests)
        rows = server.ask("POST", "/predict/batch", large, crm).json["predictions"]
        assert {one["model_version"] for one in rows} == {model.version}

    assert told == [other.version, telco.version, other.version]


def cut(folder: Path) -> str:
    path = folder / "model.ubj"
    path.write_bytes(path.read_bytes()[:-100])
    return "model.ubj"


def flipped(folder: Path) -> str:
    path = folder / "model.ubj"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return "model.ubj"


def half_a_manifest(folder: Path) -> str:
    path = folder / "bundle.json"
    path.write_text(path.read_text()[:1000])
    return "bundle.json"


def no_trees(folder: Path) -> str:
    (folder / "model.ubj").unlink()
    return "model.ubj"


def nonsense(folder: Path) -> str:
    (folder / "bundle.json").write_text('{"format": "of somebody else"}')
    return "bundle.json"


BROKEN = [cut, flipped, half_a_manifest, no_trees, nonsense]


@pytest.mark.parametrize("harm", BROKEN)
def test_it_refuses_to_start_with_a_broken_bundle(settled, folder: Model, harm):
    name = harm(folder.folder)

    done = settled(folder.folder).refused()

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert str(folder.folder / name) in done.stderr


def test_it_refuses_to_start_with_the_trees_of_another_bundle(settled, folder: Model, other: Model):
    shutil.copy(other.folder / "model.ubj", folder.folder)

    done = settled(folder.folder).refused()

    assert done.returncode == 1
    assert str(folder.folder / "model.ubj") in done.stderr


def test_it_refuses_to_start_without_a_model(settled, telco: Model, tmp_path: Path):
    done = settled(tmp_path / "nothing").refused()

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: MODEL={tmp_path / 'nothing'}: ")
    assert done.stderr.count("\n") == 1


def test_a_bad_model_changes_nothing_and_says_why(
    serving: Serving, folder: Model, telco: Model, gym: Model, customers: Customers
):
    server = serving(folder, environment=KEYS)
    crm = {"X-API-Key": ADMIN}
    found = []

    def command():
        return server.ask("POST", "/admin/reload", headers=crm)

    for harm in (cut, nonsense):
        replace(folder, telco)
        name = harm(folder.folder)
        found.append((command(), name))
    replace(folder, gym)
    found.append((command(), "customer_id"))
    answer = server.ask("POST", "/predict", json.dumps(SHORT), crm).json
    replace(folder, telco)

    for reply, name in found:
        assert (reply.status, reply.json["error"]) == (409, "reload_refused")
        assert reply.json["message"].startswith("The model that was there serves on: ")
        assert name in reply.json["message"]
    assert answer["model_version"] == telco.version
    assert command().status == 200
    assert server.get("/ready").status == 200


def test_a_challenger_must_be_another_model(settled, telco: Model):
    own = challenger(telco, "split", 0.5)

    done = settled(telco.folder, challenger=own).refused()

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: serve.challenger.model: it is {telco.version}")
