"""Programs behind the make targets: what is no stage."""

import pipelines  # noqa: F401  puts src/ on the path
