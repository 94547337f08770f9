"""Stage clean: type every column, spell categories alike, keep one row a customer."""

from pathlib import Path

from churn.cleaning import accounted
from churn.cleaning import clean as cleaned
from churn.files import read_json, read_parquet, write_json, write_parquet
from churn.settings import Parameters
from pipelines.stage import PARTS, run


def clean(parameters: Parameters) -> None:
    """data/valid/ → data/clean/, reports/rows.json"""
    validation = read_json(Path("reports/validation.json"))
    tables, rows = {}, {}
    for part in PARTS:
        valid = read_parquet(Path(f"data/valid/{part}.parquet"))
        tables[part] = cleaned(valid, parameters.table)
        before = validation[part]
        rows[part] = accounted(
            part, before["rows"], before["quarantined"], valid.num_rows, tables[part].num_rows
        )
    for part, table in tables.items():
        write_parquet(Path(f"data/clean/{part}.parquet"), table)
    write_json(Path("reports/rows.json"), rows)


if __name__ == "__main__":
    run(clean)
