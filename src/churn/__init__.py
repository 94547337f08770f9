"""Churn prediction for telecom companies: the library behind the pipeline and the server."""
