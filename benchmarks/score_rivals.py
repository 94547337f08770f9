"""What stands beside `make score` in `make bench-score`; each runs as a process of its own.

`python -m benchmarks.score_rivals bare|sklearn MODEL INPUT OUTPUT`
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

REPEATS = 3


def bare(model: Path, table: Path) -> float:
    """Seconds of the trees alone: XGBoost's own call on the ready matrix, on all cores."""
    import pyarrow.parquet as pq
    from joblib import cpu_count

    from churn.batch.customers import Reader
    from churn.scoring import Scorer

    scorer = Scorer.load(model, cpu_count())
    read = Reader(scorer.bundle.manifest.contract).read(pq.read_table(table))
    matrix = scorer.matrix(read.columns)
    booster = scorer.bundle.booster
    seconds = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        booster.inplace_predict(matrix, predict_type="margin")
        seconds.append(time.perf_counter() - begin)
    return sorted(seconds)[REPEATS // 2]


def sklearn(model: Path, table: Path, output: Path) -> None:
    """The model as a scikit-learn Pipeline over a data frame, from Parquet to Parquet."""
    import pandas as pd

    from benchmarks.serve_rivals.sklearn_pipeline import pipeline

    frame = pd.read_parquet(table)
    probability = pipeline(model).predict_proba(frame)[:, 1]
    scores = pd.DataFrame({"customer_id": frame["customer_id"], "churn_probability": probability})
    scores["risk_level"] = pd.cut(probability, [-1, 0.3, 0.7, 1], labels=["low", "medium", "high"])
    scores.to_parquet(output)


def main() -> None:
    """Run one of them."""
    kind, model, table, output = sys.argv[1], *map(Path, sys.argv[2:])
    if kind == "bare":
        print(bare(model, table))
    else:
        sklearn(model, table, output)


if __name__ == "__main__":
    main()
