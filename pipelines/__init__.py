"""The stages of dvc.yaml, one short file each: read the parameters, call the library, write.

The library is taken from `src/` beside this folder and is not installed, because DVC runs queued
experiments in copies of the repository: each copy must run its own code.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
