import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.errors import EmptySplit
from churn.settings import SplitSettings
from churn.splitting import fold_numbers, in_share, is_test, refuse_empty_side

FIFTH = SplitSettings(test_share=0.2, salt="churn")
IDS = [f"CUST{number:08d}" for number in range(20_000)]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
def test_about_the_given_share_is_held_out(share):
    held_out = is_test(IDS, SplitSettings(test_share=share, salt="churn"))
    assert held_out.dtype == np.bool_
    assert abs(held_out.mean() - share) < 4 * np.sqrt(share * (1 - share) / len(IDS))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.data())
def test_adding_leaving_out_or_reordering_customers_moves_nobody(data):
    customers = data.draw(st.lists(st.text(max_size=12), max_size=30))
    more = data.draw(st.lists(st.text(max_size=12), max_size=30))
    together = data.draw(st.permutations([*customers, *more]))
    side = dict(zip(customers, is_test(customers, FIFTH).tolist(), strict=True))
    later = dict(zip(together, is_test(together, FIFTH).tolist(), strict=True))
    assert {customer: later[customer] for customer in side} == side


def test_a_larger_share_keeps_those_who_were_held_out():
    small, large = is_test(IDS, FIFTH), is_test(IDS, FIFTH.model_copy(update={"test_share": 0.3}))
    assert not (small & ~large).any()


def test_another_salt_holds_out_others():
    one, other = is_test(IDS, FIFTH), is_test(IDS, FIFTH.model_copy(update={"salt": "again"}))
    both = (one & other).mean()
    assert 0.03 < both < 0.05


def test_the_side_is_a_salted_hash_so_it_is_the_same_on_every_machine():
    def held_out(customer):
        digest = hashlib.blake2b(b"churn" + customer.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64 < 0.2

    assert is_test(IDS[:500], FIFTH).tolist() == [held_out(customer) for customer in IDS[:500]]


def test_nobody_has_no_side():
    assert is_test([], FIFTH).shape == (0,)


@pytest.mark.parametrize(("churners", "others"), [(4, 100), (100, 4), (0, 0), (0, 50)], ids=str)
def test_a_side_with_too_few_of_one_outcome_is_refused(churners, others):
    message = (
        f"the test side has {churners + others} customers, {churners} of them churners; both "
        r"outcomes are needed on both sides\. Change split\.test_share or add history"
    )
    with pytest.raises(EmptySplit, match=message):
        refuse_empty_side("test", churners + others, churners)


def test_five_of_each_outcome_are_enough():
    refuse_empty_side("test", customers=10, churners=5)


# a share of all customers


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 1.0])
def test_a_share_of_all_customers_is_in_it(share):
    found = in_share(IDS, "challenger", share)

    assert found.dtype == np.bool_
    assert abs(found.mean() - share) <= 4 * np.sqrt(share * (1 - share) / len(IDS))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    ids=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=20),
    salt=st.text("ab\u00fc", max_size=4),
    share=st.floats(0, 1),
)
def test_a_customer_is_in_the_share_alone_as_among_others(ids, salt, share):
    together = in_share(iter(ids), salt, share).tolist()

    assert together == [bool(in_share([one], salt, share)[0]) for one in ids]
    # Who is in a share is in every larger one.
    larger = in_share(ids, salt, min(1.0, share * 1.5)).tolist()
    assert all(is_also for is_in, is_also in zip(together, larger, strict=True) if is_in)


def test_the_test_rows_are_a_share_by_the_salt_of_the_split():
    assert is_test(IDS, FIFTH).tolist() == in_share(IDS, "churn", 0.2).tolist()


def test_the_shares_of_two_salts_have_nothing_to_do_with_each_other():
    one, other = in_share(IDS, "churn", 0.5), in_share(IDS, "challenger", 0.5)

    assert 0.23 < (one & other).mean() < 0.27


def test_folds_are_of_about_one_size_and_each_customer_stays_in_his():
    ids = [f"C{number}" for number in range(5000)]
    found = fold_numbers(ids, "folds", 5)
    assert [*np.bincount(found)] == pytest.approx([1000] * 5, rel=0.15)
    assert fold_numbers(reversed(ids), "folds", 5).tolist() == found[::-1].tolist()
