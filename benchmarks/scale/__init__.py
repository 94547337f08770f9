"""How each part grows with the number of rows, into reports/bench/scale.json."""
