"""Versions and stages of the model: what they may be called, what speaks against a promotion, which
model was there before, and what a tag says of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from churn.champion import Comparison
from churn.errors import InvalidStage, InvalidVersion

VERSION = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
# GTO wants two characters or more. What begins as a version would be taken for one.
STAGE = re.compile(r"(?!v\d)[a-z][a-z0-9-]*[a-z0-9]")
ROLLBACK = "Rollback of "


@dataclass(frozen=True)
class Held:
    """A tag by which a stage got a model.

    Attributes:
        tag: its name.
        commit: that the model is in.
        subject: first line of the tag's message; empty where it has none.
    """

    tag: str
    commit: str
    subject: str


def checked_version(version: str) -> str:
    """The version, if it is one such as `v1.2.0`.

    Raises:
        InvalidVersion: it is not.
    """
    if not VERSION.fullmatch(version):
        raise InvalidVersion(version)
    return version


def next_version(versions: Sequence[str]) -> str:
    """The minor version after the highest: what a model learnt anew is, its code being the same."""
    found = [tuple(map(int, one.groups())) for text in versions if (one := VERSION.fullmatch(text))]
    if not found:
        return "v1.0.0"
    major, minor, _ = max(found)
    return f"v{major}.{minor + 1}.0"


def checked_stage(stage: str) -> str:
    """The stage, if it can be one, such as `prod`.

    Raises:
        InvalidStage: it cannot.
    """
    if not STAGE.fullmatch(stage):
        raise InvalidStage(stage)
    return stage


def earlier(history: Sequence[Held]) -> Held | None:
    """What a stage held before the model that it holds now.

    A promotion is laid on top of what was there; a rollback, known by its message, takes off all
    that lies on what it went back to. So a second rollback goes one further back.

    Args:
        history: the stage's tags, the oldest first.
    Returns:
        the tag by which it got that model; None if there was none.
    """
    held: list[Held] = []
    for one in history:
        if one.subject.startswith(ROLLBACK):
            while held and held[-1].commit != one.commit:
                held.pop()
        if not held or held[-1].commit != one.commit:
            held.append(one)
    return held[-2] if len(held) > 1 else None


def leak_reasons(evaluation: Mapping[str, Any] | None, sha256: str) -> list[str]:
    """What the evaluation of a model says against it.

    Args:
        evaluation: content of `reports/evaluation.json`; None if there is none.
        sha256: of the bundle that it should be of.
    """
    if evaluation is None or evaluation["bundle_sha256"] != sha256:
        return ["reports/evaluation.json is not of this model, so nothing is known of leaks"]
    return [f"leak alarm: {alarm['message']}" for alarm in evaluation["leaks"]]


def comparison_reasons(found: Comparison | None, present: str) -> list[str]:
    """What the comparison with the model in the stage says against a promotion.

    Args:
        found: the comparison; None if the two are the same model.
        present: the tag of the model in the stage.
    """
    if found is None or found.promote:
        return []
    told = "; ".join(found.reasons)
    return [f"compared with {present}: {found.verdict} on {found.metric}; {told}"]


def release_message(version: str, sha256: str) -> str:
    """What the tag of a version says."""
    return f"Release {version}\n\nBundle {sha256}\n"


def promotion_message(
    version: str, stage: str, present: str | None, overridden: Sequence[str], reason: str
) -> str:
    """What the tag of a promotion says.

    Args:
        version: that is promoted.
        stage: that gets it.
        present: tag of the model that it replaces, if there is one.
        overridden: what spoke against it.
        reason: that was given for promoting it all the same; may be empty.
    """
    lines = [f"Promote {version} to {stage}", "", f"In place of: {present or 'nothing'}"]
    if reason:
        lines.append(f"Reason: {reason}")
    if not overridden:
        return "\n".join([*lines, "All checks passed.", ""])
    return "\n".join([*lines, "Overridden:", *(f"- {one}" for one in overridden), ""])


def rollback_message(present: str, back: str, name: str) -> str:
    """What the tag of a rollback says.

    Args:
        present: tag of the model that is taken back.
        back: tag by which the stage had the model that it gets again.
        name: of that model.
    """
    return f"{ROLLBACK}{present}\n\nBack to {name}, as by {back}\n"
