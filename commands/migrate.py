"""`make migrate`: make the tables of the prediction log, or change them to what this code needs."""

from __future__ import annotations

import os
import sys

from churn.database import database_url, parsed, shown
from churn.errors import ChurnError
from churn.migrating import migrate
from churn.prediction_log_schema import REVISION


def main() -> None:
    """Migrate the database at `DATABASE_URL`; exits with 1 if it cannot be reached."""
    try:
        url = database_url(os.environ)
        migrate(url)
    except ChurnError as error:
        sys.exit(f"error: {error}")
    print(f"prediction log at {shown(parsed(url))}: tables are of version {REVISION}")


if __name__ == "__main__":
    main()
