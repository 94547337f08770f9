"""`make comment`: a report of `make pr-report` on its pull request, one comment brought up to date.

The pull request is found by the head of the run that made the report, as GitHub tells it, and not
by the report: that may come from anybody's fork, so all of it is text that is not trusted.
Environment: GITHUB_REPOSITORY, HEAD (owner:branch), HEAD_SHA, REPORT (the file), GH_TOKEN.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from churn.errors import NotAReport
from churn.pull_request import MARK, MOST
from churn.settings import Parameters
from commands.github import gh, required
from commands.revisions import short
from pipelines.stage import run

AUTHOR = "github-actions[bot]"
SIGNED = "\n_Written by the code of this pull request at {sha}._\n"
# Nobody is called by a text that anybody may have written.
MENTION = re.compile(r"@(?=\w)")
UNSEEN_SPACE = "\u200b"


@dataclass(frozen=True)
class Place:
    """Where the report belongs."""

    repository: str
    head: str
    sha: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Place:
        """Read it from GITHUB_REPOSITORY, HEAD and HEAD_SHA.

        Raises:
            VariableMissing: one is not set.
        """
        return cls(
            *(required(environment, key) for key in ("GITHUB_REPOSITORY", "HEAD", "HEAD_SHA"))
        )

    def pull_request(self, text: str) -> int | None:
        """Number of the open pull request whose head that commit is; None if it has moved on.

        Args:
            text: the report, which chooses by its base where a branch has several; no more.
        """
        query = ("-f", "state=open", "-f", f"head={self.head}", "-f", "per_page=100")
        listed = json.loads(gh("api", "-X", "GET", f"repos/{self.repository}/pulls", *query))
        found = [one for one in listed if one["head"]["sha"] == self.sha]
        if len(found) > 1:
            found = [one for one in found if f"`origin/{one['base']['ref']} (" in text]
        return found[0]["number"] if found else None

    def comment(self, number: int) -> int | None:
        """Id of the comment that an earlier run made; None if there is none."""
        ours = f'select(.user.login == "{AUTHOR}" and (.body | startswith("{MARK}")))'
        path = f"repos/{self.repository}/issues/{number}/comments?per_page=100"
        ids = gh("api", "--paginate", path, "--jq", f".[] | {ours} | .id").split()
        return int(ids[0]) if ids else None


def body(text: str, sha: str) -> str:
    """The report as a comment of `MOST` characters at most that calls nobody.

    Args:
        text: content of the report.
        sha: of the commit that it is about.
    Raises:
        NotAReport: it does not begin as one.
    """
    if not text.startswith(MARK):
        raise NotAReport
    signed = SIGNED.format(sha=short(sha))
    quiet = MENTION.sub(f"@{UNSEEN_SPACE}", text[:MOST])
    return quiet[: MOST - len(signed)] + signed


def comment(environment: Mapping[str, str]) -> None:
    """Make the comment, or bring it up to date.

    Raises:
        VariableMissing, NotAReport, GitHubRefused: it cannot be.
    """
    place, path = Place.of(environment), Path(required(environment, "REPORT"))
    if not path.is_file():
        print(f"There is no report at {path}: the run made none.")
        return
    # Read no more than could be shown.
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(MOST)
    number = place.pull_request(text)
    if number is None:
        print(f"No open pull request of {place.head} is at {place.sha}: there is nothing to say.")
        return
    given = json.dumps({"body": body(text, place.sha)})
    known, root = place.comment(number), f"repos/{place.repository}/issues"
    if known is None:
        gh("api", "-X", "POST", f"{root}/{number}/comments", "--input", "-", given=given)
    else:
        gh("api", "-X", "PATCH", f"{root}/comments/{known}", "--input", "-", given=given)
    print(f"Pull request {number} {'has' if known is None else 'shows'} the report.")


def main(_: Parameters) -> None:
    """Comment; exits with 1 on a mistake."""
    comment(os.environ)


if __name__ == "__main__":
    run(main)
