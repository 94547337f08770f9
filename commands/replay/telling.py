"""What a replay has found, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from churn.bundle import DIGITS
from churn.replay import STATUSES, Ground, Replayed, Status, cause, ulps
from commands.replay.evidence import Evidence

RISK = "not replayed: its limits are the server's settings of that day, and not in the bundle"


def one(found: Replayed) -> str:
    """One prediction in full, equal or not."""
    lines = [f"Prediction {found.row.prediction_id}, model {_model(found)}"]
    return "\n".join([*lines, *(f"  {line}" for line in _details(found))])


def many(evidence: Evidence, left: str | None) -> str:
    """A line for each version, the counts, and the first rows that are not equal.

    Args:
        evidence: what was found.
        left: moment of the first prediction that is left; None if none is.
    """
    lines = [_line(version, evidence) for version in sorted(evidence.counts)]
    total = evidence.total
    lines.append(f"In all {total.total():,}: {_counted(total)}")
    lines += ["", *(one(found) for found in evidence.first)] if evidence.first else []
    untold = total["different"] + total["refused"] - len(evidence.first)
    lines += [f"… and {untold:,} more, all in reports/replay.json"] if untold else []
    return "\n".join([*lines, f"There are more: SINCE={left} goes on."] if left else lines)


def _line(version: str, evidence: Evidence) -> str:
    counts = evidence.counts[version]
    if version in evidence.grounds:
        return f"{_named(evidence.grounds[version])}: {_counted(counts)}"
    return f"{_plain(version)}: {_counted(counts)}: {_plain(evidence.problems[version])}"


def _counted(counts: Counter[Status]) -> str:
    return ", ".join(f"{counts[one]:,} {one}" for one in STATUSES if counts[one]) or "none"


def _model(found: Replayed) -> str:
    return _named(found.ground) if found.ground else _plain(found.row.model_version)


def _named(ground: Ground) -> str:
    bundle = "" if ground.is_named_by_hash else f", bundle {ground.sha256[:DIGITS]}"
    return f"{ground.version} ({ground.where}{bundle})"


def _details(found: Replayed) -> Iterator[str]:
    row, scored = found.row, found.scored
    if scored is None or found.ground is None:
        yield f"{found.status}: {_plain(str(found.problem))}"
        return
    yield f"probability  {_compared(row.probability, scored.probability, same=found.same_bits)}"
    yield f"will churn   {_compared(row.will_churn, scored.will_churn, same=found.same_decision)}"
    yield f"risk level   {_plain(row.risk_level)} ({RISK})"
    if found.status == "different":
        yield f"cause        {cause(found.ground, same_bits=found.same_bits)[1]}"


def _compared(logged: object, found: object, *, same: bool) -> str:
    if same:
        return f"{_written(logged)}: the same{' bits' if isinstance(logged, float) else ''}"
    apart = ulps(logged, found)
    distance = "" if apart is None else f", {apart:,} ulp apart"
    return f"logged {_written(logged)}, found {_written(found)}{distance}"


def _written(value: object) -> str:
    if isinstance(value, float):
        return f"{value!r} ({value.hex()})"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _plain(text: str) -> str:
    """Text of the log without what a terminal obeys: an altered row could hide its own line."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
