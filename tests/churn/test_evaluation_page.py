"""The evaluation page: complete, true in every case, self-contained, and safe to open."""

import html
import re
from dataclasses import replace

import numpy as np
import pytest

from churn.calibration import NoCalibration
from churn.contract import Contract
from churn.evaluation_page import MEANINGS, Pipeline, direction, evaluation_page
from churn.importance import Importance, Importances, Level
from churn.leaks import Alarm
from churn.preprocess import DroppedInput
from churn.slices import GAP, MARKED, Difference, Quality, Slice
from tests.html import Tags, assert_self_contained, charts

pytestmark = pytest.mark.usefixtures("one_thread")
PIPELINE = Pipeline(
    rows={
        "history": {"rows_in": 1234, "quarantined": 21, "duplicates": 13, "rows_out": 1200},
        "current": {"rows_in": 0, "quarantined": 0, "duplicates": 0, "rows_out": 0},
    },
    validation={"history": {"rules": []}},
    training={
        "decision": {"method": "f1"},
        "search": {
            "method": "none",
            "scoring": "roc_auc",
            "trials": 1,
            "score": 0.81,
            "configured_score": 0.81,
            "model": {"max_depth": 3, "learning_rate": 0.03},
        },
    },
)
UP, DOWN = Level("A", 0.1, 9), Level("B", -0.1, 9)
ATTACK = """--></svg><script>alert('x')</script>"><img onerror="x">"""
MARKS = [
    ("roc_auc", -0.1, "ranked worse than expected", "warning"),
    ("roc_auc", 0.1, "ranked better than expected", "ok"),
    ("recall", -0.1, "fewer found than expected", "warning"),
    ("recall", 0.1, "more found than expected", "ok"),
    (GAP, -0.1, "risk underestimated", "warning"),
    (GAP, 0.1, "risk overestimated", "warning"),
]


def _text(page):
    """What a reader sees: no tags, no charts."""
    body = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def _slice(level, name, difference, *, significant=False, unexplained=False):
    values = {"roc_auc": 0.7, "recall": 0.6, "precision": 0.5, GAP: 0.04}
    bounds = {metric: (value - 0.1, value + 0.1) for metric, value in values.items()}
    none = Difference(0, 0, 0, significant=False, excess=0, unexplained=False)
    change = Difference(difference, 0, 0, significant, difference, unexplained)
    changes = {metric: change if metric == name else none for metric in MARKED}
    return Slice("plan", level, 100, 30, Quality(values, bounds), changes)


@pytest.fixture(scope="module")
def evaluation(shop):
    return shop.evaluated(knows_truth=True)


@pytest.fixture(scope="module")
def manifest(shop):
    return shop.scorer.bundle.manifest


@pytest.fixture(scope="module")
def page(evaluation, manifest):
    return evaluation_page(evaluation, manifest, PIPELINE)


@pytest.fixture(scope="module")
def text(page):
    return _text(page)


@pytest.fixture(scope="module")
def other_page(evaluation, manifest):
    """Another page, with all that the first one lacks."""
    slices = (
        *(_slice(f"{name} {way} by chance", name, way) for name, way, *_ in MARKS),
        *(_slice(f"{name} {way}", name, way, unexplained=True) for name, way, *_ in MARKS),
        _slice("lower ranked", "roc_auc", -0.1, significant=True),
        _slice("more found", "recall", 0.1, significant=True),
        Slice("plan", "Gold", 33, 30, None, {}),
    )
    inputs = tuple(Importance(f"input_{i}", 1 / (1 + i), "+", UP, DOWN) for i in range(14))
    dropped = (DroppedInput(name="gappy", missing=0.75),)
    rule = {"column": "age", "problem": "is not from 18 to 100 years", "rows": 1021}
    preprocessor = manifest.preprocessor.model_copy(update={"dropped": dropped})
    return evaluation_page(
        replace(
            evaluation,
            sliced=replace(evaluation.sliced, slices=slices),
            importances=Importances(4321, inputs),
            alarms=tuple(Alarm("single_feature", "a", words) for words in ("One.", "Two.")),
        ),
        manifest.model_copy(update={"preprocessor": preprocessor}),
        Pipeline(
            rows=PIPELINE.rows,
            validation={"history": {"rules": [rule]}},
            training={
                "decision": {"method": "fixed"},
                "search": {**PIPELINE.training["search"], "method": "grid", "trials": 27},
            },
        ),
    )


@pytest.fixture(scope="module")
def other(other_page):
    return _text(other_page)


@pytest.fixture
def text_with(shop):
    """What is read on the page of another evaluation: its scorer or its money changed."""

    def text(scorer=None, **money):
        scorer = scorer or shop.scorer
        evaluation = shop.evaluated(scorer, **money)
        return _text(evaluation_page(evaluation, scorer.bundle.manifest, PIPELINE))

    return text


# the whole


def test_an_evaluation_made_again_gives_the_same_bytes(shop, page, manifest):
    assert evaluation_page(shop.evaluated(knows_truth=True), manifest, PIPELINE) == page


def test_the_page_is_self_contained(page):
    assert_self_contained(page)


def test_every_chart_is_valid_and_has_an_alternative_text(page):
    found = charts(page)

    assert [chart.attrib["role"] for chart in found] == ["img"] * 6
    assert len({chart.attrib["aria-label"] for chart in found}) == 6


def test_the_first_thing_that_is_told_is_what_the_model_finds(evaluation, text):
    found, saving = evaluation.metrics, evaluation.campaign.saving

    assert "Measured on 400 customers of shop that the model never saw while learning" in text
    assert f"{found['churners']} of them churned" in text
    assert f"{found['recall']:.0%} of all churners are found" in text
    flagged = evaluation.confusion["true_positives"] + evaluation.confusion["false_positives"]
    of = f"of the {flagged / 400:.0%} of customers flagged as churners"
    assert f"{found['precision']:.0%} {of} do churn" in text
    assert f"{found['top_decile_lift']:.1f} × as many churners among the tenth" in text
    by = f"by contacting the {evaluation.campaign.share_contacted:.0%} at highest risk"
    assert f"{saving:,.0f} USD saved a year for every 10,000 customers {by}, under the" in text


# metrics


@pytest.mark.parametrize("name", MEANINGS)
def test_every_metric_stands_with_its_value_its_interval_and_the_best_possible(
    evaluation, text, name
):
    low, high = evaluation.intervals[name]
    best = evaluation.metrics["ceiling"].get(name)

    line = f"{name} {MEANINGS[name]} {evaluation.metrics[name]:.4f} {low:.4f} – {high:.4f} "

    assert line + (f"{best:.4f} " if best is not None else "") in text


def test_every_metric_that_is_measured_has_a_meaning(evaluation):
    assert {*MEANINGS} == {*evaluation.metrics} - {"n", "churners", "ceiling"}


def test_the_metrics_say_on_how_many_customers_they_stand(text):
    assert "Every metric on n = 400." in text


def test_the_confusion_matrix_is_shown(evaluation, text):
    cells = evaluation.confusion

    hits, misses, alarms, rest = (
        f"{cells[name]:,}"
        for name in ("true_positives", "false_negatives", "false_positives", "true_negatives")
    )
    assert f"churned {hits} {misses} stayed {alarms} {rest} Metrics" in text


def test_a_threshold_that_flags_nobody_is_said_to_flag_nobody(shop, text_with):
    text = text_with(shop.changed(threshold=1.0))

    assert "0 customers are flagged as churners" in text
    assert "do churn" not in text


def test_how_the_threshold_was_chosen_is_told(evaluation, text, other, manifest):
    found = evaluation.confusion
    share = (found["true_positives"] + found["false_positives"]) / evaluation.metrics["n"]
    words = f"flags a customer from a probability of {manifest.threshold:.3f}, {share:.0%} of the "

    assert f"{words}held-out ones: the threshold is chosen on the training customers (f1)" in text
    assert f"{words}held-out ones: the threshold is set in conf/decision ." in other


def test_the_calibration_is_told_with_its_error_before_and_after(evaluation, text):
    before, after = evaluation.calibration_error.values()

    words = f"Calibration ({evaluation.calibration}): what was predicted against what happened"
    assert words in text
    assert f"Error {before:.4f} before, {after:.4f} after." in text


def test_without_truth_and_calibration_neither_is_told(shop, text, text_with):
    plain = text_with(shop.changed(calibration=NoCalibration()))

    assert "best possible" in text
    assert "best possible" not in plain.lower()
    assert "Calibration (none): what was predicted" in plain
    assert re.search(r"Error 0\.\d{4}\.", plain)
    assert "before," not in plain


# money


def test_the_money_stands_beside_every_assumption_it_rests_on(text_with):
    text = text_with(
        margin=1234567.5,
        offer_cost=76.25,
        acceptance=0.125,
        months_kept=7.5,
        outcome_months=3,
        currency="KRW",
    )

    for line in (
        "margin of a customer 1,234,567.5 KRW a month",
        "cost of an offer, taken up or not 76.25 KRW",
        "churners contacted who stay because of it 12.5%",
        "how long they stay 7.5 months",
        "span in which churn was counted 3 months",
    ):
        assert line in text
    assert "Profit in 3 months for 10,000 customers" in text
    assert "USD" not in text


def test_the_campaign_is_told_with_its_interval_and_beside_everybody_and_nobody(evaluation, text):
    worth = evaluation.campaign
    low, high = (f"{bound:,.0f} USD" for bound in worth.interval)

    assert "Contact customers whose probability of churn is at least 22.2%." in text
    assert f"that is {worth.share_contacted:.0%} of them" in text
    assert f"{worth.saving:,.0f} USD a year (95 % interval {low} to {high})" in text
    before, after = 100 * worth.churn_rate, 100 * worth.churn_rate_after
    assert f"lowers the churn rate from {before:.1f}% to {after:.1f}%" in text
    assert f"To contact everybody would save {worth.profit_of_everybody:,.0f} USD a year" in text


def test_an_offer_that_never_pays_is_no_campaign(text_with):
    text = text_with(offer_cost=1000)

    assert "Contact nobody: an offer costs 1,000 USD, and even a churner who gets it" in text
    assert " 0 USD saved a year for every 10,000 customers" in text
    assert "the riskiest contacted first; the dot is to contact nobody." in text
    for words in ("it saves", "lowers the churn", "just pays", "None of the held-out"):
        assert words not in text


def test_an_offer_that_nobody_is_likely_enough_for_is_no_campaign(shop, text_with):
    columns, _, _ = shop.customers(400, seed=1)
    highest = shop.scorer.probabilities(columns).max()
    assert highest < 0.99

    text = text_with(offer_cost=0.995 * 90)

    assert "whose probability of churn is at least 99.5%. None of the held-out customers is" in text
    assert "it saves" not in text


# reasons


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (("+", UP, DOWN), "the higher, the likelier to leave"),
        (("-", UP, DOWN), "the higher, the likelier to stay"),
        (("mixed", UP, DOWN), "A: likelier to leave; B: likelier to stay"),
        ((None, UP, DOWN), "A: likelier to leave; B: likelier to stay"),
        ((None, None, DOWN), "B: likelier to stay"),
    ],
)
def test_the_way_an_input_pushes_is_told_in_words(one, words):
    assert direction(Importance("some", 0.5, *one)) == words
    assert direction(Importance("some", 0.0, *one)) == ""


def test_the_twelve_strongest_inputs_are_told(other):
    assert "on average over 4,321 held-out customers" in other
    told = [i for i in range(14) if f"input_{i} the higher, the likelier to leave" in other]
    assert told == [*range(12)]


# kinds of customers


def test_every_kind_of_customer_stands_with_its_number(evaluation, text):
    for one in evaluation.sliced.slices:
        assert f"{one.level} {one.n} {one.churners / one.n:.0%}" in text


def test_a_kind_is_told_with_what_was_predicted_and_its_intervals(other):
    assert "by chance 100 30% 34% 0.700 0.600 – 0.800 0.600 0.500 – 0.700 0.500" in other


@pytest.mark.parametrize(("metric", "way", "mark", "level"), MARKS)
def test_only_what_is_more_than_chance_is_marked(other, other_page, metric, way, mark, level):
    row = "100 30% 34% 0.700 0.600 – 0.800 0.600 0.500 – 0.700 0.500"

    assert f"{metric} {way} {row} {mark} " in other
    assert other.count(mark) == 1
    assert f'<span class="level {level}">{mark}</span>' in other_page


def test_an_arrow_says_what_is_lower_or_higher_than_on_the_whole(other, other_page):
    assert "lower ranked 100 30% 34% ▼ 0.700 0.600 – 0.800 0.600 0.500" in other
    assert "more found 100 30% 34% 0.700 0.600 – 0.800 ▲ 0.600 0.500 – 0.700" in other
    assert 'aria-label="lower than on the whole">▼</span>' in other_page


def test_a_kind_with_too_few_of_either_outcome_is_not_judged(other):
    assert "Gold 33 too few of either outcome to measure (30 churned)" in other


def test_without_kinds_of_customers_there_is_no_table_of_them(shop, trained, text_with):
    contract = Contract.model_validate(
        {
            "name": "numbers",
            "target": {"column": "left", "positive": "yes", "negative": "no"},
            "columns": {
                "visits": {"type": "number"},
                "spent": {"type": "number"},
                "exit_survey": {"type": "category", "after_event": True},
            },
        }
    )
    columns, labels, _ = shop.customers(600)
    known = {name: columns[name] for name in ("visits", "spent")}
    drawn, _, _ = shop.customers(400, seed=1)
    scorer = trained(contract, known, labels, n_estimators=5)

    evaluation = shop.evaluated(scorer, {name: drawn[name] for name in known}, learnt=known)
    text = _text(evaluation_page(evaluation, scorer.bundle.manifest, PIPELINE))

    assert "Among the columns known before the event is no category, and no number with" in text
    assert "Holm" not in text
    assert "therefore no feature: exit_survey ." in text


# data and provenance


def test_the_page_tells_the_rows_and_the_provenance(text, manifest):
    head = "rows in quarantined duplicates rows out"
    assert f"{head} history 1,234 21 13 1,200 current none given" in text
    churners = manifest.provenance.train_churners
    assert f"Trained on 600 customers, {churners} of them churners, with 5 inputs in 7" in text
    assert manifest.provenance.data_sha256 in text
    assert manifest.provenance.parameters_sha256 in text
    assert "Inputs: visits , spent , member , plan , distance ." in text
    assert "Known only after" not in text


def test_what_was_dropped_is_told(text, other):
    assert "Dropped as mostly missing: gappy (75%)" in other
    assert "Dropped" not in text


def test_why_rows_were_set_aside_is_told(text, other):
    assert "column problem rows age is not from 18 to 100 years 1,021" in other
    assert "set aside" not in text


def test_the_search_is_told(text, other):
    found = "max_depth 3, learning_rate 0.03."
    assert f"Parameters as set in conf/model : {found}" in text
    by = "of parameters by cross-validated roc_auc (grid), at 0.8100; those of conf/model"
    assert f"Best of 27 combinations {by} are at 0.8100: {found}" in other


# leaks


def test_signs_of_a_leak_stand_before_all_figures(other):
    warning = "Do not trust these figures yet: 2 signs of a leak. One. Two."
    assert other.index(warning) < other.index("of all churners are found")
    assert "No sign of a leak" not in other


def test_without_alarms_the_page_says_what_was_looked_for(text):
    assert "No sign of a leak, by the bounds in conf/evaluate" in text
    assert "Do not trust" not in text


# words from outside


@pytest.fixture(scope="module")
def attacked(shop, evaluation, manifest):
    """A page with hostile words wherever the user's own can stand."""
    contract = manifest.contract.model_copy(update={"name": ATTACK})
    provenance = manifest.provenance.model_copy(
        update={"data_sha256": ATTACK, "parameters_sha256": ATTACK}
    )
    drawn, _, _ = shop.customers(400, seed=1)
    plan = np.where(drawn["plan"] == "Doomed", ATTACK, drawn["plan"])
    level = Level(ATTACK, 0.1, 9)
    inputs = (Importance(ATTACK, 0.5, None, level, level), *evaluation.importances.inputs)
    rule = {"column": ATTACK, "problem": ATTACK, "rows": 1}
    search = {**PIPELINE.training["search"], "method": ATTACK, "scoring": ATTACK}
    return evaluation_page(
        replace(
            shop.evaluated(None, {**drawn, "plan": plan}, currency=ATTACK),
            importances=Importances(9, inputs),
            alarms=(Alarm("single_feature", ATTACK, ATTACK),),
        ),
        manifest.model_copy(update={"contract": contract, "provenance": provenance}),
        Pipeline(
            rows={**PIPELINE.rows, ATTACK: PIPELINE.rows["history"]},
            validation={"history": {"rules": [rule]}},
            training={"decision": {"method": ATTACK}, "search": {**search, "model": {ATTACK: 1}}},
        ),
    )


def test_words_from_outside_cannot_smuggle_in_code(attacked):
    tags = Tags(attacked).found

    assert_self_contained(attacked)
    assert {"script", "img"} & {tag for tag, _ in tags} == set()
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert len(charts(attacked)) == 6


def test_words_from_outside_are_shown_as_they_are(attacked):
    text = html.unescape(_text(attacked))

    for words in (
        f"customers of {ATTACK} that",
        f"1 sign of a leak. {ATTACK}",
        f"{ATTACK} saved a year",
        f"{ATTACK} {ATTACK}: likelier to leave; {ATTACK}: likelier to stay",
        f"customers ({ATTACK})",
        f"{ATTACK} 80 ",
        f"{ATTACK} 1,234",
        f"{ATTACK} {ATTACK} 1",
        f"by cross-validated {ATTACK} ({ATTACK}), at 0.8100",
        f"conf/model are at 0.8100: {ATTACK} 1.",
        f"training rows {ATTACK} parameters {ATTACK}",
    ):
        assert words in text
