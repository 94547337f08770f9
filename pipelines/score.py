"""`make score INPUT=… OUTPUT=…`: score a table of customers. It is no stage of dvc.yaml.

`INPUT` is a file or pattern (CSV, Parquet; here or at s3://) or a table of a database, `OUTPUT` a
file or table, `MODEL` a folder, version or stage. `EXPLAIN=3` adds reasons, `RESUME=1` goes on with
what was interrupted, `FORCE=1` replaces what is there, `QUERY` stands for a table. `ENGINE=spark`
does it on Apache Spark.
"""

import os
import signal

from churn.lean import keep_out
from churn.settings import Parameters
from pipelines.stage import run


def score(parameters: Parameters) -> None:
    """INPUT → OUTPUT"""
    from churn.batch.job import engine, job

    if engine(os.environ) == "spark":
        from churn.spark.job import spark_job
        from churn.spark.run import run as done_by_spark

        print(done_by_spark(spark_job(os.environ), parameters.serve, os.environ).text)
        return
    # What xgboost would import of the pipeline's libraries takes seconds.
    keep_out("pandas", "sklearn")
    from churn.batch.run import run as done

    print(done(job(os.environ), parameters.serve).text)


def main() -> None:
    """Score, until told to stop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    is_spark = os.environ.get("ENGINE") == "spark"
    run(score, "FORCE=1 begins anew" if is_spark else "RESUME=1 goes on")


if __name__ == "__main__":
    main()
