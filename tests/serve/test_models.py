"""Models: whose answer a customer gets, and how two of them compare."""

import numpy as np
import pytest

from churn.bundle import Bundle
from churn.columns import take
from churn.errors import InvalidBundle, OtherProbability
from churn.reference import CategoryBins
from churn.scoring import with_golden
from churn.splitting import in_share
from serve.models import EXAMPLE_ID, Model
from tests.serve.models import (
    CREATED,
    challenger,
    ids,
    lineup,
    model,
    scored,
    shop,
    some,
    telco,
)


def test_a_model_is_read_from_its_folder(tmp_path):
    telco().save(tmp_path)

    found = Model.load(tmp_path, "v1", CREATED)

    assert (found.version, found.bundle.sha256) == ("v1", telco().sha256)
    assert found.scorer.probabilities(some(50, 0)).tolist() == scored(some(50, 0))


def test_a_model_whose_golden_rows_score_otherwise_is_refused(tmp_path):
    bundle = telco()
    golden = bundle.golden.model_copy(update={"probabilities": challenger().golden.probabilities})
    Bundle(bundle.manifest, bundle.reference, bundle.booster, golden).save(tmp_path)

    with pytest.raises(OtherProbability, match="golden row 0 of the bundle has the probability"):
        Model.load(tmp_path, "v1", CREATED)


def test_a_damaged_model_is_refused(tmp_path):
    telco().save(tmp_path)
    (tmp_path / "model.ubj").write_bytes(b"x")

    with pytest.raises(InvalidBundle, match=r"model\.ubj: its hash is not the one in bundle\.json"):
        Model.load(tmp_path, "v1", CREATED)


# the example


@pytest.mark.parametrize("name", ["telco", "shop", "limitless"])
def test_the_example_is_a_customer_with_a_prediction(name):
    one = model(name)

    row = one.customers.one(one.example)

    assert [name for name in one.example if name not in one.customers.names] == []
    assert None not in row
    assert one.answers()


def test_the_example_has_an_id_where_customers_have_one():
    assert model("telco").example["customer_id"] == EXAMPLE_ID
    assert [*model("shop").example] == ["visits", "spent", "member", "plan"]
    assert isinstance(model("telco").example["age"], int)
    assert isinstance(model("telco").example["tv_service"], bool)


def test_the_example_leaves_out_words_that_no_request_may_have():
    bundle = shop()
    odd = CategoryBins(levels=("two\tlines", "Gold"), ratios=(0.5, 0.5, 0, 0))
    reference = bundle.reference.model_copy(update={"bins": {**bundle.reference.bins, "plan": odd}})
    found = Model(with_golden(Bundle(bundle.manifest, reference, bundle.booster)), "v1", CREATED)

    assert found.example["plan"] == "Gold"


# champion and challenger


def test_without_a_split_the_champion_answers_all():
    columns = some(50, 0)

    for line in (lineup(), lineup(other="challenger", mode="shadow", share=1.0)):
        found = line.score(ids(50), columns)
        assert found.probabilities == scored(columns)
        assert {*found.versions} == {"telco"}
        assert found.reasons is None


def test_a_split_gives_a_share_of_the_customers_to_the_challenger_always_the_same():
    names, columns = ids(1000), some(1000, 0)
    share = in_share(names, "x", 0.3)
    line = lineup(other="challenger", share=0.3)

    versions = np.array(line.score(names, columns).versions)

    assert versions.tolist() == np.where(share, "challenger", "telco").tolist()
    assert abs(share.mean() - 0.3) < 0.05
    # Alone, in another order, in another batch: a customer's model is the same.
    order = np.random.default_rng(0).permutation(1000)[:100]
    again = line.score([names[i] for i in order], take(columns, order))
    assert again.versions == versions[order].tolist()
    assert line.score([names[7]], take(columns, np.array([7]))).versions == [versions[7]]


def test_another_salt_gives_the_challenger_other_customers():
    names, columns = ids(500), some(500, 0)
    lines = [lineup(other="challenger", salt=salt) for salt in ("x", "y")]
    one, other = (line.score(names, columns).versions for line in lines)

    assert one != other


def test_each_customer_is_called_by_the_threshold_of_their_model():
    columns = some(300, 4)
    line = lineup(other="challenger")

    found = line.score(ids(300), columns)

    thresholds = {name: model(name).bundle.manifest.threshold for name in ("telco", "challenger")}
    called = [p >= thresholds[v] for p, v in zip(found.probabilities, found.versions, strict=True)]
    assert found.will_churn == called


def test_two_models_are_compared_on_the_rows_that_are_good():
    columns, rows = some(40, 5), np.arange(40) % 2 == 0
    own, other = np.array(scored(columns)), np.array(scored(columns, "challenger"))

    differences, disagreements = lineup(other="challenger", mode="shadow").compared(columns, rows)

    assert differences == np.abs(own - other)[rows].tolist()
    calls = [own >= model("telco").bundle.manifest.threshold]
    calls.append(other >= model("challenger").bundle.manifest.threshold)
    assert disagreements == int((calls[0] != calls[1])[rows].sum())


def test_without_a_challenger_there_is_nothing_to_compare():
    assert lineup().compared(some(3, 0), np.array([True] * 3)) == ([], 0)
