"""Scoring a table of any size: read in batches, scored on all cores, written whole or not at all.

Memory is bounded by the batch and not by the table. What is scored is noted down as it goes, so
that a run that was killed can be gone on with (`notes`).
"""
