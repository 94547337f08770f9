"""Generations: all change to new models at the same moment, and a bad one changes nothing."""

import json
import re
import shutil
from pathlib import Path

import pytest

from churn.bundle import Bundle
from churn.errors import (
    CannotSplit,
    ChurnError,
    IncompatibleModel,
    InvalidBundle,
    NoRoom,
    NotLoaded,
    OtherProbability,
    SameVersion,
)
from churn.model_sources import Source
from serve.generations import Coordinator, Follower, Wanted
from serve.keys import Keyring, read_keys
from serve.shared import SERVES, Shared
from tests.serve.models import CREATED, challenger, challenging, of, shop, some, telco

KEYS = [
    read_keys({"CHURN_API_KEYS": key}) for key in ("admin:first-key-012345", "second-key-012345")
]
SLOT = 3


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """Folders with bundles, not to be changed."""
    folder = tmp_path_factory.mktemp("bundles")
    made = {"v1": telco(), "v2": challenger(), "shop": shop(), "stricter": of("stricter")}
    for name, bundle in {**made, "without id": of("without id")}.items():
        bundle.save(folder / name)
    golden = telco().golden.model_copy(update={"probabilities": challenger().golden.probabilities})
    Bundle(telco().manifest, telco().reference, telco().booster, golden).save(folder / "other")
    return folder


class Server:
    """The main process, and one that follows it in a thread."""

    def __init__(self, folder, settings=None):
        folder.mkdir()
        self.settings = settings or challenging()
        self.shared = Shared(folder)
        self.wanted = None
        self.coordinator = Coordinator(self.shared, self._wanted, self.settings)
        self.follower = None

    def _wanted(self):
        if isinstance(self.wanted, Exception):
            raise self.wanted
        return self.wanted

    def bring(self, *sources, keys=(), processes=None):
        """Have these bundles served; the version of the champion is the folder's name."""
        self.wanted = Wanted(
            [Source(one, one.name, CREATED, {"auc": one.name}) for one in sources], keys
        )
        slots = {SLOT: "api-3"} if self.follower else {}
        return self.coordinator.bring(lambda: slots if processes is None else processes)

    def follow(self):
        self.follower = Follower(self.shared, SLOT, self.settings)

    def serving(self):
        """Versions that main process and follower serve; they must be the same."""
        now = self.coordinator.now(), self.follower.now()
        found = [(one.number, one.lineup.champion.version) for one in now]
        assert found[0] == found[1]
        return found[0]


@pytest.fixture
def server(tmp_path, bundles):
    """A server with model v1 in service."""
    found = Server(tmp_path / "server")
    found.bring(bundles / "v1", keys=KEYS[0])
    found.follow()
    yield found
    found.shared.stopping[0] = 1


def _score(generation):
    columns = some(5, 0)
    return generation.lineup.score([str(i) for i in range(5)], columns).probabilities


def test_another_model_comes_into_service_everywhere(server, bundles):
    assert server.serving() == (1, "v1")

    server.bring(bundles / "v2")

    assert server.serving() == (2, "v2")
    assert _score(server.follower.now()) == _score(server.coordinator.now())
    assert server.follower.now().evaluation == {"auc": "v2"}
    assert [one.name for one in server.shared.folder.iterdir()] == ["generation-2"]


def test_nothing_changes_before_every_process_has_loaded_it(server, bundles):
    seen = []

    def processes():
        seen.append(server.follower.now().number)
        return {SLOT: "api-3"}

    server.wanted = Wanted([Source(bundles / "v2", "v2", CREATED)], ())
    server.coordinator.bring(processes)

    assert {*seen} == {1}
    assert server.serving() == (2, "v2")


def test_a_process_that_starts_later_serves_what_the_others_serve(server, bundles):
    server.bring(bundles / "v2")

    late = Follower(server.shared, SLOT + 1, server.settings)

    assert late.now().lineup.champion.version == "v2"
    assert server.shared.loaded[SLOT + 1] == 2


def test_the_bundles_may_be_changed_once_they_are_in_service(server, bundles, tmp_path):
    copy = Path(shutil.copytree(bundles / "v2", tmp_path / "v2"))
    server.bring(copy)
    (copy / "model.ubj").write_bytes(b"")

    assert Follower(server.shared, 5, server.settings).now().lineup.champion.version == "v2"
    assert server.serving() == (2, "v2")


# what is not fit to serve


def _truncated(folder):
    data = (folder / "model.ubj").read_bytes()
    (folder / "model.ubj").write_bytes(data[: len(data) // 2])


def _edited(folder):
    text = (folder / "bundle.json").read_text()
    (folder / "bundle.json").write_text(text.replace('"min": 18', '"min": 17'))


DAMAGES = {
    "truncated": (_truncated, r"model\.ubj: its hash is not the one in bundle\.json"),
    "missing": (lambda folder: (folder / "golden.json").unlink(), r"golden\.json: no such file"),
    "edited": (_edited, r"bundle\.json: its own hash does not match its content"),
    "no json": (lambda folder: (folder / "bundle.json").write_text("{"), "it is not JSON"),
    "gone": (shutil.rmtree, r"bundle\.json: no such file"),
}


def _refused(server, error, match, *sources, **more):
    """Check that it is refused, that nothing has changed, and that a good one is still taken."""
    before = server.coordinator.now(), server.follower.now()

    with pytest.raises(error, match=match) as refused:
        server.bring(*sources, **more)

    assert isinstance(refused.value, ChurnError)
    assert (server.coordinator.now(), server.follower.now()) == before
    assert server.shared.generation[SERVES] == 1
    assert [one.name for one in server.shared.folder.iterdir()] == ["generation-1"]


@pytest.mark.parametrize("damage", [*DAMAGES])
def test_a_damaged_bundle_changes_nothing_and_says_why(server, bundles, tmp_path, damage):
    copy = Path(shutil.copytree(bundles / "v2", tmp_path / "v2"))
    change, message = DAMAGES[damage]
    change(copy)

    _refused(server, InvalidBundle, message, copy)

    server.bring(bundles / "v2")
    assert server.serving()[1] == "v2"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("other", OtherProbability, "golden row 0 of the bundle has the probability"),
        ("shop", IncompatibleModel, "its id is None, not customer_id; age is unknown to it"),
        ("stricter", IncompatibleModel, "age must be integer from 18 to 90 years, was .* to 100"),
    ],
)
def test_a_bundle_that_scores_otherwise_or_takes_other_requests_changes_nothing(
    server, bundles, name, error, message
):
    _refused(server, error, message, bundles / name)


def test_what_cannot_be_found_changes_nothing(server):
    server.wanted = InvalidBundle("models/churn", "it is gone")

    with pytest.raises(InvalidBundle, match="models/churn: it is gone"):
        server.coordinator.bring(dict)
    assert server.serving() == (1, "v1")


def test_a_process_that_cannot_load_it_keeps_all_others_from_changing(server, bundles):
    # Two processes of one name, as LitServe names its workers; the first has failed.
    server.shared.loaded[7] = -2
    processes = {7: "inference-worker", SLOT: "inference-worker"}

    _refused(server, NotLoaded, "inference-worker did not", bundles / "v2", processes=processes)


def test_no_room_for_the_bundles_changes_nothing(server, bundles):
    (server.shared.folder / "generation-2").write_text("in the way")

    with pytest.raises(NoRoom, match=re.escape(f"{server.shared.folder}: ")):
        server.bring(bundles / "v2")
    assert server.serving() == (1, "v1")


def _forged(folder, **files):
    """Other files in a bundle whose hashes are right."""
    from churn.bundle import _json, _sha256

    content = json.loads((folder / "bundle.json").read_text())
    del content["sha256"]
    for name, data in files.items():
        path = next(folder.glob(f"{name}.*"))
        path.write_bytes(data)
        content["files"][path.name] = _sha256(data)
    content["sha256"] = _sha256(_json(content))
    (folder / "bundle.json").write_bytes(_json(content))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"model": b"no trees"}, r"model\.ubj: XGBoost cannot read it"),
        ({"golden": b"{"}, r"golden\.json: it is not JSON"),
        ({"golden": b'{"columns":{"x":[1.0]},"probabilities":[0.5]}'}, "parts do not fit together"),
    ],
    ids=str,
)
def test_a_bundle_put_together_by_hand_changes_nothing(server, bundles, tmp_path, files, message):
    copy = Path(shutil.copytree(bundles / "v2", tmp_path / "v2"))
    _forged(copy, **files)

    _refused(server, InvalidBundle, message, copy)


# challengers


def test_a_challenger_comes_into_service_with_the_champion(server, bundles):
    server.bring(bundles / "v1", bundles / "v2")

    assert server.follower.now().lineup.challenger.version == "v2"
    server.bring(bundles / "v2")
    assert server.follower.now().lineup.challenger is None


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("v1", SameVersion, "it is v1, as is the champion"),
        ("stricter", IncompatibleModel, "age must be integer from 18 to 90"),
        ("other", OtherProbability, "golden row 0"),
    ],
)
def test_a_challenger_that_does_not_fit_changes_nothing(server, bundles, name, error, message):
    _refused(server, error, message, bundles / "v1", bundles / name)


def test_customers_without_id_cannot_be_split(tmp_path, bundles):
    without = bundles / "without id"
    copy = Path(shutil.copytree(without, tmp_path / "v9"))
    split, shadow = (
        Server(tmp_path / mode, challenging(mode=mode)) for mode in ("split", "shadow")
    )

    with pytest.raises(CannotSplit, match="table telco has no id, so split cannot say"):
        split.bring(without, copy)
    assert shadow.bring(without, copy).lineup.challenger.version == "v9"


# keys


def test_keys_change_with_the_models(server, bundles):
    rings = [server.follower.now().keyring]

    server.bring(bundles / "v1", keys=KEYS[0] + KEYS[1])
    rings.append(server.follower.now().keyring)
    server.bring(bundles / "v1", keys=KEYS[1])
    rings.append(server.follower.now().keyring)

    first, second = b"first-key-012345", b"second-key-012345"
    assert [one.find(first) for one in rings] == [0, 0, None]
    assert [one.find(second) for one in rings] == [None, 1, 0]
    assert [key.name for key in rings[0].keys] == ["admin"]
    assert isinstance(rings[0], Keyring)


def test_the_keys_are_in_no_file(server):
    files = [path for path in server.shared.folder.rglob("*") if path.is_file()]

    assert files
    assert not [path for path in files if b"first-key" in path.read_bytes()]


def test_with_a_bad_bundle_the_old_keys_stay(server, bundles):
    _refused(server, IncompatibleModel, "age must be", bundles / "stricter", keys=KEYS[1])

    assert server.follower.now().keyring.find(b"first-key-012345") == 0
