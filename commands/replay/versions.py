"""The models that the log names: a release by its git tag, any other by the hash of its bundle.

Each is fetched once, loaded and checked, however many rows name it.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml.error import YAMLError

from churn.bundle import BUNDLE, DIGITS, Bundle
from churn.errors import (
    ChurnError,
    InvalidBundle,
    NoRepository,
    NotWithinReach,
    VersionNotFound,
    VersionUnusable,
)
from churn.promotion import VERSION
from churn.replay import Ground
from commands.revisions import Commit, short
from commands.tags import ARTIFACT, MODEL, all_tags, commit_of, git, tag_of
from commands.verify import hashes
from serve.customers import Customers
from serve.models import Model

FEATURES, LOCK = "src/churn/features", "dvc.lock"
HASH = re.compile(rf"[0-9a-f]{{{DIGITS}}}")


@dataclass(frozen=True)
class Found:
    """A model to replay with.

    Attributes:
        ground: what it stands on.
        model: as the server has it.
        customers: reads what was logged of a customer: everything but the id, which is not scored.
    """

    ground: Ground
    model: Model
    customers: Customers


class Versions:
    """Models by version."""

    def __init__(self) -> None:
        self._known: dict[str, Found | ChurnError] = {}
        self._commits = Commits()

    def of(self, version: str) -> Found | ChurnError:
        """The model of a version, or why there is none.

        Raises:
            NoRepository: git does not know this folder.
        """
        if version not in self._known:
            try:
                self._known[version] = self._find(version)
            except NoRepository:
                raise
            except ChurnError as error:
                self._known[version] = error
        return self._known[version]

    def _find(self, version: str) -> Found:
        if VERSION.fullmatch(version):
            return _fetched(version, _release(version))
        if not HASH.fullmatch(version):
            why = f"{version!r} is neither a release such as v1.2.0 nor {DIGITS} digits of a hash"
            raise VersionNotFound(why, "No server has written it: the row was altered")
        if (here := _here()) is not None and here.sha256.startswith(version):
            return _found(version, here, f"the folder {MODEL}", _lock_commit(here.sha256))
        return _fetched(version, self._commits.with_bundle(version))


def _release(version: str) -> Commit:
    tag = tag_of(version)
    if tag is None:
        why = f"no git tag {ARTIFACT}@{version} is here"
        raise VersionNotFound(why, "git fetch --tags brings those of the remote")
    return Commit(f"git tag {tag}", commit_of(tag))


def _here() -> Bundle | None:
    try:
        return Bundle.load(Path(MODEL))
    except InvalidBundle:
        return None


def _lock_commit(sha256: str) -> str | None:
    """The commit that built the model of the working tree; None if that is not known."""
    commit = git("log", "-1", "--format=%H", "--", LOCK)
    if not commit or git("status", "--porcelain", "--", LOCK):
        return None
    try:
        # The folder may be another commit's, if only git has been told to check this one out.
        return commit if _hash(Commit(f"commit {short(commit)}", commit)) == sha256 else None
    except (NotWithinReach, ValueError, KeyError, TypeError):
        return None


def _fetched(version: str, commit: Commit) -> Found:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bundle"
        commit.fetch(MODEL, folder)
        try:
            bundle = Bundle.load(folder)
        except InvalidBundle as error:
            why = str(error).replace(str(folder), MODEL)
            raise VersionUnusable(commit.name, why) from None
    return _found(version, bundle, commit.name, commit.sha)


def _found(version: str, bundle: Bundle, where: str, commit: str | None) -> Found:
    """Make a model of a bundle as the server does, and see whether it scores as at training."""
    contract = bundle.manifest.contract.model_copy(update={"id": None})
    try:
        model = Model(bundle, version, 0.0)
        golden = _golden(model)
    # What pydantic, numpy and XGBoost raise if features are gone on which the trees rely.
    except (ChurnError, ValueError, LookupError, TypeError) as error:
        raise VersionUnusable(where, str(error).partition("\n")[0]) from None
    changed = git("diff", "--name-only", commit, "--", FEATURES).splitlines() if commit else []
    threshold = bundle.manifest.threshold
    ground = Ground(version, where, bundle.sha256, threshold, commit, golden, changed)
    return Found(ground, model, Customers(contract))


def _golden(model: Model) -> str | None:
    try:
        model.scorer.check()
    except ChurnError as error:
        return str(error).partition(": ")[0]
    return None


class Commits:
    """The commits that have a bundle; each bundle is looked at once, and only when it is asked for.

    Those with a tag come first, then all others, the newest first.
    """

    def __init__(self) -> None:
        self._seen: dict[str, Commit] = {}
        self._left = self._bundles()
        self._out_of_reach = 0

    def with_bundle(self, version: str) -> Commit:
        """The commit whose bundle's hash begins so.

        Raises:
            VersionNotFound: no commit has it.
        """
        while version not in self._seen:
            one = next(self._left, None)
            if one is None:
                raise VersionNotFound(*self._nowhere(version))
            self._seen.setdefault(*one)
        return self._seen[version]

    def _nowhere(self, version: str) -> tuple[str, str]:
        why = f"no commit here has a bundle whose hash begins with {version}, nor has {MODEL}"
        if not self._out_of_reach:
            return why, "git fetch --all --tags brings the commits of the remote"
        lost = f"of {self._out_of_reach} other models neither DVC's cache nor its remote has a copy"
        return f"{why}; {lost}", "Run dvc push where they were built, and try again"

    def _bundles(self) -> Iterator[tuple[str, Commit]]:
        """Every bundle: the beginning of its hash, and a commit that has it."""
        locked = set()
        for commit in _commits():
            folder = _locked(commit)
            if folder is None or folder in locked:
                continue
            locked.add(folder)
            try:
                yield _hash(commit)[:DIGITS], commit
            except NotWithinReach:
                self._out_of_reach += 1
            # A bundle of the first format has no hash of its own.
            except (ValueError, KeyError, TypeError):
                continue


def _hash(commit: Commit) -> str:
    """The hash that names a commit's bundle.

    Raises:
        NotWithinReach: it is neither in DVC's cache nor in its remote.
    """
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / BUNDLE
        commit.fetch(f"{MODEL}/{BUNDLE}", target)
        return str(json.loads(target.read_text("utf-8"))["sha256"])


def _commits() -> Iterator[Commit]:
    for tag in all_tags():
        yield Commit(f"git tag {tag}", commit_of(tag))
    # Of all branches, and of a merge both sides: a bundle may have been served from any.
    history = git("log", "--all", "--full-history", "--format=%H", "--", LOCK)
    for sha in history.splitlines():
        yield Commit(f"commit {short(sha)}", sha)


def _locked(commit: Commit) -> str | None:
    """DVC's hash of the bundle's folder at a commit; None if it has none."""
    try:
        return hashes(git("show", f"{commit.sha}:{LOCK}")).get(MODEL)
    except (NoRepository, YAMLError, LookupError, TypeError, AttributeError):
        return None
