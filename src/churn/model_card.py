"""`reports/model_card.md`: what a model is, what it is for, and what it is not for.

The sections are those of Mitchell et al., Model Cards for Model Reporting (2019). Nothing in it
hangs on time or place, so a version's card is the file in the version's commit.
"""

from __future__ import annotations

from churn.bundle import Bundle
from churn.contract import Column, Contract
from churn.evaluation import Evaluation
from churn.evaluation_page import MEANINGS, Pipeline, direction, explained_slices
from churn.markdown import cell, table
from churn.settings import BalanceSettings, Source, SyntheticSource

STRONGEST = 10


def model_card(
    evaluation: Evaluation,
    bundle: Bundle,
    pipeline: Pipeline,
    source: Source,
    balance: BalanceSettings,
) -> str:
    """The card, in Markdown.

    Args:
        evaluation: everything measured of the bundle.
        bundle: the model.
        pipeline: reports of the earlier stages.
        source: of the customers.
        balance: of the training rows.
    """
    contract = bundle.manifest.contract
    parts = [
        f"# Model card: churn of `{contract.name}`",
        *_details(bundle, pipeline, balance),
        *_use(contract, evaluation),
        *_data(bundle, pipeline, source),
        *_quality(evaluation),
        *_slices(evaluation),
        *_reasons(evaluation),
        *_limits(evaluation, source),
        *_rebuilding(bundle),
    ]
    return "\n\n".join(parts) + "\n"


def _details(bundle: Bundle, pipeline: Pipeline, balance: BalanceSettings) -> list[str]:
    manifest, training = bundle.manifest, pipeline.training
    model = {
        "trees": "XGBoost, gradient-boosted trees",
        "inputs": training["inputs"],
        "balance": balance.method,
        "search": training["search"]["method"],
        "calibration": manifest.calibration.method,
        "decision": f"{training['decision']['method']}, "
        f"a churner from a probability of {manifest.threshold:.4f}",
        **training["search"]["model"],
    }
    return ["## Model", f"Bundle `{bundle.sha256}`.", table(("", ""), model.items())]


def _use(contract: Contract, evaluation: Evaluation) -> list[str]:
    months = evaluation.campaign.money.outcome_months
    return [
        "## Intended use",
        f"The probability that a customer will churn (`{contract.target.column}` is "
        f"`{contract.target.positive}`), for ranking customers whom a retention campaign should "
        f"reach. Outcomes are taken to cover {months:g} months.",
        "Not for prices, credit, or refusing a service; not for people who are no customers; not "
        "for saying what would happen if a customer were contacted: it has learnt who left, not "
        "who can be kept.",
    ]


def _data(bundle: Bundle, pipeline: Pipeline, source: Source) -> list[str]:
    rows, made = pipeline.rows["history"], bundle.manifest.provenance
    counts = {
        "rows read": rows["rows_in"],
        "refused by the contract": rows["quarantined"],
        "duplicates": rows["duplicates"],
        "rows used": rows["rows_out"],
        "of them for training": made.train_rows,
        "churners in training": made.train_churners,
        "training rows, SHA-256": made.data_sha256,
        "parameters, SHA-256": made.parameters_sha256,
    }
    columns = [
        (f"`{name}`", _kind(one), one.description or "")
        for name, one in bundle.manifest.contract.columns.items()
    ]
    return [
        "## Data",
        f"Source `{source.kind}`.",
        table(("", ""), counts.items()),
        table(("column", "values", "what it is"), columns),
    ]


def _kind(column: Column) -> str:
    known = "; known only after the event, no input" if column.after_event else ""
    return f"{column.allowed}{known}"


def _quality(evaluation: Evaluation) -> list[str]:
    metrics, ceiling = evaluation.metrics, evaluation.metrics.get("ceiling", {})
    known = ["what the true probabilities reach"] if ceiling else []
    lines = [
        (
            f"`{name}`",
            f"{metrics[name]:.4f}",
            "{:.4f} – {:.4f}".format(*evaluation.intervals[name]),
            *([f"{ceiling[name]:.4f}" if name in ceiling else ""] if ceiling else []),
            meaning,
        )
        for name, meaning in MEANINGS.items()
    ]
    return [
        "## Quality",
        f"On {metrics['n']} customers held out, {metrics['churners']} of them churners; intervals "
        "are 95 % (bootstrap).",
        table(("metric", "value", "interval", *known, "what it is"), lines),
    ]


def _slices(evaluation: Evaluation) -> list[str]:
    marked = [
        (_level(one.column, one.level), one.n, one.churners, "; ".join(text for text, _ in marks))
        for slices in explained_slices(evaluation).values()
        for one, marks in slices
        if marks
    ]
    few = [_level(one.column, one.level) for one in evaluation.sliced.slices if one.quality is None]
    parts = ["## Kinds of customers"]
    if marked:
        parts.append("On these it does otherwise than its scores lead to expect:")
        parts.append(table(("kind", "customers", "churners", "what differs"), marked))
    else:
        parts.append("On none does it do otherwise than its scores lead to expect.")
    if few:
        parts.append(f"Too few to tell: {', '.join(map(cell, few))}.")
    return parts


def _level(column: str, level: str) -> str:
    return f"{column}: {level}"


def _reasons(evaluation: Evaluation) -> list[str]:
    strongest = evaluation.importances.inputs[:STRONGEST]
    lines = [(f"`{one.input}`", f"{one.strength:.3f}", direction(one)) for one in strongest]
    return [
        "## What it goes by",
        "Mean absolute SHAP value, in log-odds. It tells what the model uses, not what makes "
        "customers leave.",
        table(("input", "strength", "direction"), lines),
    ]


def _limits(evaluation: Evaluation, source: Source) -> list[str]:
    limits = [f"Leak alarm: {cell(one.message)}" for one in evaluation.alarms]
    if isinstance(source, SyntheticSource):
        limits.append("The customers are made up. A model of them says nothing of real ones.")
    limits += [
        "It knows customers like those of its training data. `reports/drift.html` shows whether "
        "today's are; `make retrain-check` says when to train again.",
        "It was measured on customers of the same time and place as it learnt from, held out at "
        "random, not on later ones.",
        "See that the law where you are allows its inputs for the use you make of it.",
    ]
    return ["## Limits", "\n".join(f"- {one}" for one in limits)]


def _rebuilding(bundle: Bundle) -> list[str]:
    return [
        "## Rebuild it",
        "In a clone, at the commit or tag that this file is in:",
        "```\nmake repro\n```",
        f"`models/churn/bundle.json` then names the same bundle, `{bundle.sha256}`, bit for bit.",
    ]
