"""The bounds of drift that tests use, whatever a team has made of its own conf/drift."""

from __future__ import annotations

from churn.settings import DriftSettings

SETTINGS = DriftSettings(
    warning=0.1,
    alarm=0.25,
    false_alarm=0.01,
    max_fall=0.05,
    max_age_days=30,
    window_days=7,
    outcome_days=30,
)
