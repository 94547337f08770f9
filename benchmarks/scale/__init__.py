"""`make bench-scale`: how each part grows with the number of rows: reports/bench/scale.json."""
