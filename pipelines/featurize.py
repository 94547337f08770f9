"""Stage featurize: hold out the test customers, compute the features. Nothing is fitted."""

from pathlib import Path

from churn.featurizing import featurize as divided
from churn.files import read_parquet, write_parquet
from churn.settings import Parameters
from pipelines.stage import PARTS, run


def featurize(parameters: Parameters) -> None:
    """data/clean/ → data/features/"""
    history, current = (read_parquet(Path(f"data/clean/{part}.parquet")) for part in PARTS)
    for name, table in divided(history, current, parameters.table, parameters.split).items():
        write_parquet(Path(f"data/features/{name}.parquet"), table)


if __name__ == "__main__":
    run(featurize)
