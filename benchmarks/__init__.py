"""Measurements behind the figures in README. Not tests: machines differ, and nothing fails here."""

import pipelines  # noqa: F401  puts src/ on the path
