"""What can stand in the way of releasing, promoting and taking back a model."""

from __future__ import annotations

from collections.abc import Sequence

from churn.errors.base import ChurnError
from churn.wording import did_you_mean, listed


class InvalidVersion(ChurnError):
    """What was given as a version is none."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"VERSION={version!r} is no version: v, then three numbers with points between them, "
            "none with a zero before it. Name one, such as VERSION=v1.2.0."
        )


class InvalidStage(ChurnError):
    """What was given as a stage is none."""

    def __init__(self, stage: str) -> None:
        given = f"STAGE={stage!r} is no stage" if stage else "STAGE is missing"
        super().__init__(
            f"{given}: two lower-case letters, digits or hyphens or more, "
            "that begin with a letter, end with no hyphen, and are not like a version. Name one, "
            "such as STAGE=prod."
        )


class VersionExists(ChurnError):
    """There is a release of that version already."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"version {version} exists; what it is cannot change any more. Release the next one."
        )


class CommitHasVersion(ChurnError):
    """The commit is released already, and has one version only."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"this commit is {version} already. Promote that, or commit a change and release it."
        )


class UncommittedChanges(ChurnError):
    """The working tree is not the commit that would be tagged."""

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__(
            f"not committed: {listed(files)}. A release is a commit: commit them, have git ignore "
            "them, or put them away with git stash --include-untracked."
        )


class StaleLock(ChurnError):
    """dvc.lock does not tell of what this commit's code builds."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            f"dvc.lock does not match the code ({listed(problems, 4)}), so the model may be of "
            "another. Run make repro and commit what it writes."
        )


class UnknownVersion(ChurnError):
    """No commit has the tag of that version."""

    def __init__(self, version: str, known: Sequence[str]) -> None:
        super().__init__(
            f"there is no version {version}{did_you_mean(version, known)}; "
            f"there are: {listed(known) or 'none yet'}. git fetch --tags brings the remote's; "
            f"make release VERSION={version} makes this commit one."
        )


class AlreadyInStage(ChurnError):
    """The stage has that version."""

    def __init__(self, version: str, stage: str, tag: str) -> None:
        super().__init__(
            f"{version} is in {stage} already, by git tag {tag}. There is nothing to do."
        )


class ReasonMissing(ChurnError):
    """Checks are to be overridden without a word why."""

    def __init__(self) -> None:
        super().__init__(
            "FORCE=1 overrides the checks, so it needs a reason, which the tag keeps. "
            'Give one: FORCE=1 REASON="…".'
        )


class PromotionRefused(ChurnError):
    """Something speaks against a promotion; a line for each reason."""

    def __init__(self, version: str, stage: str, reasons: Sequence[str]) -> None:
        told = "\n".join(f"- {reason}" for reason in reasons)
        super().__init__(
            f"{version} is not promoted to {stage}:\n{told}\n"
            'Mend that and release it anew, or override it: FORCE=1 REASON="…".'
        )


class NoEarlierVersion(ChurnError):
    """A stage has had nothing that could come back."""

    def __init__(self, stage: str, present: str | None) -> None:
        held = f"is at the first model that it had ({present})" if present else "has had no model"
        super().__init__(
            f"stage {stage} {held}: there is nothing to go back to. "
            "git fetch --tags brings the remote's tags; make promote puts a version there."
        )


class TagNotMade(ChurnError):
    """GTO or git did not make a tag."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"the git tag for {what} was not made: {why}. Mend that, and try again.")
