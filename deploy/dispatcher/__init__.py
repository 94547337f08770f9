"""From an alarm to a training: Alertmanager's webhook becomes GitHub's `repository_dispatch`.

The library is taken from `src/` beside this folder, as the stages do it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))
