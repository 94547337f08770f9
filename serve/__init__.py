"""The server: a bundle behind REST, with LitServe.

The library is taken from `src/` beside this folder, as the stages do it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
