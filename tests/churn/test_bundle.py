"""The bundle: it comes back as it was written, and a damaged one is refused by name."""

import json
import pickletools
import shutil
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from churn import training
from churn.bundle import BUNDLE, GOLDEN, MODEL, REFERENCE, Bundle
from churn.calibration import Isotonic, NoCalibration, Sigmoid
from churn.errors import InvalidBundle
from churn.scoring import Scorer, with_golden
from tests.small import history, small_parameters

FILES = (MODEL, REFERENCE, GOLDEN, BUNDLE)
each_file = pytest.mark.parametrize("name", FILES)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def parameters():
    return small_parameters(400, n_estimators=10)


@pytest.fixture(scope="module")
def customers(parameters):
    """Columns of customers, features, and 1 for those who left."""
    return history(parameters)


@pytest.fixture(scope="module")
def columns(customers):
    return customers[0]


@pytest.fixture(scope="module")
def bundle(parameters, customers):
    return training.train(*customers, parameters, "0" * 64).bundle


@pytest.fixture(scope="module")
def saved(bundle, tmp_path_factory):
    """A folder with the bundle; not to be changed."""
    folder = tmp_path_factory.mktemp("bundle")
    bundle.save(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of the folder that a test may damage."""
    return Path(shutil.copytree(saved, tmp_path / "bundle"))


def _bytes(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _edit(folder, **changes):
    """Change keys of bundle.json."""
    content = json.loads((folder / BUNDLE).read_text()) | changes
    (folder / BUNDLE).write_text(json.dumps(content))


def _content(raw):
    try:
        return json.loads(raw)
    except ValueError:
        return raw


# the way there and back


def test_a_bundle_that_was_read_scores_the_same_to_the_last_bit(bundle, saved, columns):
    scores = Scorer(bundle).probabilities(columns)

    assert Scorer(Bundle.load(saved)).probabilities(columns).tobytes() == scores.tobytes()


def test_a_bundle_that_was_read_says_the_same(bundle, saved):
    read = Bundle.load(saved)

    assert read.manifest == bundle.manifest
    assert read.reference == bundle.reference
    assert read.golden == bundle.golden


def test_a_bundle_is_named_by_one_hash_before_and_after_it_was_read(bundle, saved):
    assert Bundle.load(saved).sha256 == bundle.sha256
    assert bundle.sha256 == json.loads((saved / BUNDLE).read_text())["sha256"]
    other = Bundle(
        bundle.manifest.model_copy(update={"threshold": 0.123}),
        bundle.reference,
        bundle.booster,
        bundle.golden,
    )
    assert other.sha256 != bundle.sha256


def test_a_bundle_without_golden_rows_is_not_written(bundle, tmp_path):
    bare = Bundle(bundle.manifest, bundle.reference, bundle.booster)

    with pytest.raises(ValueError, match=r"no golden rows yet: churn\.scoring\.with_golden"):
        bare.save(tmp_path)


@pytest.mark.parametrize(
    "calibration",
    [
        NoCalibration(),
        Sigmoid(slope=1 / 3, intercept=-0.1),
        Isotonic(margins=(-2.0, -1 / 3, 0.7), points=(0.1, 1 / 3, 0.9)),
    ],
    ids=lambda one: one.method,
)
def test_every_calibration_comes_back_and_scores_the_same(bundle, columns, tmp_path, calibration):
    manifest = bundle.manifest.model_copy(update={"calibration": calibration})
    calibrated = with_golden(Bundle(manifest, bundle.reference, bundle.booster))
    calibrated.save(tmp_path)

    read = Bundle.load(tmp_path)

    assert read.manifest == manifest
    margins, scores = Scorer(read).margins(columns), Scorer(read).probabilities(columns)
    assert scores.tobytes() == Scorer(calibrated).probabilities(columns).tobytes()
    assert scores.tobytes() == calibration.probabilities(margins).tobytes()


def test_the_order_of_the_columns_comes_back(bundle, saved):
    read = Bundle.load(saved).manifest

    assert [*read.contract.columns] == [*bundle.manifest.contract.columns]
    assert read.preprocessor.names == read.feature_names


def test_a_folder_holds_exactly_the_four_files(saved):
    assert {*_bytes(saved)} == {*FILES}


def test_two_saves_give_the_same_bytes(bundle, saved, tmp_path):
    bundle.save(tmp_path / "deep" / "folder")

    assert _bytes(tmp_path / "deep" / "folder") == _bytes(saved)


def test_saving_what_was_read_gives_the_same_bytes(saved, columns, tmp_path):
    read = Bundle.load(saved)
    Scorer(read).probabilities(columns)  # use leaves no trace either
    Scorer(read).check()
    read.save(tmp_path)

    assert _bytes(tmp_path) == _bytes(saved)


def test_saving_over_another_bundle_replaces_it(bundle, folder):
    _edit(folder, threshold=0.9)
    (folder / MODEL).write_bytes(b"old")

    bundle.save(folder)

    assert Bundle.load(folder).manifest == bundle.manifest


def test_nothing_in_the_files_depends_on_the_place_or_is_a_pickle(saved):
    for name, content in _bytes(saved).items():
        assert str(saved).encode() not in content
        with pytest.raises(ValueError, match="at position 0, opcode"):
            pickletools.dis(content, out=_Nowhere())
        if name != MODEL:
            json.loads(content)


class _Nowhere:
    def write(self, text):
        pass


# damage


@each_file
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()

    with pytest.raises(InvalidBundle, match=rf"{name}: no such file"):
        Bundle.load(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidBundle, match=rf"nowhere.{BUNDLE}: no such file"):
        Bundle.load(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(InvalidBundle, match=rf"file.{BUNDLE}: "):
        Bundle.load(tmp_path / "file")


@each_file
@pytest.mark.parametrize("kept", [0, 1, 0.5, -1])
def test_a_file_cut_short_is_named(folder, name, kept):
    content = (folder / name).read_bytes().rstrip()
    length = int(len(content) * kept) if isinstance(kept, float) else kept
    (folder / name).write_bytes(content[:length])

    with pytest.raises(InvalidBundle, match=rf"{name}: "):
        Bundle.load(folder)


@each_file
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_single_flipped_bit_is_found_and_its_file_named(saved, tmp_path_factory, name, data):
    before = (saved / name).read_bytes()
    after = bytearray(before)
    after[data.draw(st.integers(0, len(before) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    # Another space between two keys, or 1E5 for 1e5, leaves the content of bundle.json as it is.
    assume(name != BUNDLE or _content(after) != _content(before))
    folder = Path(shutil.copytree(saved, tmp_path_factory.mktemp("flipped") / "bundle"))
    (folder / name).write_bytes(after)

    with pytest.raises(InvalidBundle, match=rf"{name}: "):
        Bundle.load(folder)


@pytest.mark.parametrize("name", [MODEL, REFERENCE, GOLDEN])
def test_a_file_of_another_bundle_is_refused(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")

    with pytest.raises(InvalidBundle, match=rf"{name}: its hash is not the one in {BUNDLE}"):
        Bundle.load(folder)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "threshold: 0.5",
        "{",
        b"\xff\xfe\xff".decode("latin-1"),
        pytest.param("[" * 100_000, id="nested without end"),
    ],
)
def test_what_is_not_json_is_refused(folder, content):
    (folder / BUNDLE).write_text(content)

    with pytest.raises(InvalidBundle, match=rf"{BUNDLE}: it is not JSON"):
        Bundle.load(folder)


@pytest.mark.parametrize("content", ["{}", "[]", "null", "7", '{"files": []}', '{"a": {"b": 1}}'])
def test_json_of_something_else_is_refused(folder, content):
    (folder / BUNDLE).write_text(content)

    with pytest.raises(InvalidBundle, match=rf"{BUNDLE}: it is not a bundle"):
        Bundle.load(folder)


@pytest.mark.parametrize("number", [0, 1, 2, "3", None])
def test_another_format_is_refused_with_both_numbers(folder, number):
    _edit(folder, format=number)

    with pytest.raises(InvalidBundle, match=rf"{BUNDLE}: format {number!r} is not 3\."):
        Bundle.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 0.123},
        {"calibration": {"method": "none"}},
        {"calibration": {"method": "sigmoid", "slope": 2.0, "intercept": 0.0}},
        {"threshold": float("nan")},
        {"extra": 1},
        {"sha256": "0" * 64},
        {"files": {}},
    ],
    ids=str,
)
def test_an_edited_bundle_is_refused(folder, change):
    _edit(folder, **change)

    with pytest.raises(InvalidBundle, match=rf"{BUNDLE}: "):
        Bundle.load(folder)


def test_a_refusal_says_what_to_do(folder):
    (folder / MODEL).unlink()

    with pytest.raises(InvalidBundle, match=r"Rebuild it with make repro, or fetch it again\.$"):
        Bundle.load(folder)
