"""The model of a run: found, checked, and as bytes for those who score elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from churn.bundle import BUNDLE, GOLDEN, MODEL, REFERENCE
from churn.model_sources import refuse_without_tags, source
from churn.scoring import Scorer


@dataclass(frozen=True)
class Model:
    """A model to score with.

    Attributes:
        scorer: with one thread: a core each scores a batch.
        version: what answers call it.
        files: of its bundle, by name.
    """

    scorer: Scorer
    version: str
    files: Mapping[str, bytes]


def loaded(name: str) -> Model:
    """The model of that name; only one that is fetched takes a place, and for a moment.

    Args:
        name: a folder, a version or a stage.
    Raises:
        ModelNotFound: there is none of that name.
        ChurnError: its bundle is broken.
    """
    is_here = Path(name).is_dir()
    if not is_here:
        refuse_without_tags(name)
    with nullcontext("") if is_here else tempfile.TemporaryDirectory() as temporary:
        found = source(name, Path(temporary) / "model")
        scorer = Scorer.load(found.folder, threads=1)
        names = (BUNDLE, MODEL, REFERENCE, GOLDEN)
        files = {one: (found.folder / one).read_bytes() for one in names}
        return Model(scorer, found.version, files)
