"""`make train-spark INPUT=… OUTPUT=…`: validate, clean, featurize and train on Spark.

For history that one machine does not hold. `INPUT` is a file, pattern or folder (Parquet, CSV) or a
table of Spark's (`table:name`, whose rows `ORDER=column` orders), `OUTPUT` a folder that is there
when all is done. `SPARK_MASTER` names a cluster, `WORKERS` how many tasks learn trees together,
`FORCE=1` replaces what is there. It is no stage of dvc.yaml: what it reads and writes lies where
the cluster has it.
"""

import os

from churn.lean import keep_out
from churn.settings import Parameters
from pipelines.stage import run


def train_spark(parameters: Parameters) -> None:
    """INPUT → OUTPUT"""
    # pandera would import it, which takes seconds.
    keep_out("pyspark.pandas")
    from churn.spark.training import train, training_job

    print(train(training_job(os.environ), parameters, os.environ))


if __name__ == "__main__":
    run(train_spark)
