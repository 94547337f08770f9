"""Measurements behind the figures in README. Not tests: machines differ, and nothing fails here."""
