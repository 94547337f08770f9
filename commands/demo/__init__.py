"""`make demo`: sixty days of a model's life in two minutes, on a real server."""
