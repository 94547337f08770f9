"""make comment: one comment, on the right pull request, whatever the report tries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.errors import GitHubRefused, NotAReport, VariableMissing
from churn.pull_request import MARK, MOST
from commands.comment import body, comment
from tests.gh import Gh

SHA = "0123456789abcdef0123456789abcdef01234567"
HEAD = "somebody:a-branch"
PULLS = ("api", "-X", "GET", "repos/team/churn/pulls")
COMMENTS = ("api", "--paginate", "repos/team/churn/issues/7/comments?per_page=100")
POST = ("api", "-X", "POST", "repos/team/churn/issues/7/comments")
PATCH = ("api", "-X", "PATCH", "repos/team/churn/issues/comments/42")
OPEN = json.dumps(
    [{"number": 6, "head": {"sha": "f" * 40}}, {"number": 7, "head": {"sha": SHA}}],
)


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gh:
    return Gh(tmp_path / "bin", monkeypatch)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    report = tmp_path / "pull_request.md"
    report.write_text(f"{MARK}\n\n## B is better\n")
    return {
        "GITHUB_REPOSITORY": "team/churn",
        "HEAD": HEAD,
        "HEAD_SHA": SHA,
        "REPORT": str(report),
    }


def test_the_first_report_is_a_comment_and_the_next_one_takes_its_place(gh: Gh, environment):
    gh.answers({PULLS: OPEN, COMMENTS: "", POST: "{}"})
    comment(environment)
    gh.answers({PULLS: OPEN, COMMENTS: "42\n57", PATCH: "{}"})
    comment(environment)

    asked, known, posted, *_, patched = gh.calls()
    assert f"head={HEAD}" in asked.words
    assert "github-actions[bot]" in known.words[-1]
    said = json.loads(posted.given)["body"]
    assert said.startswith(f"{MARK}\n\n## B is better\n")
    assert said.endswith("_Written by the code of this pull request at 0123456789ab._\n")
    assert tuple(patched.words[: len(PATCH)]) == PATCH
    assert json.loads(patched.given)["body"] == said


def test_of_a_branch_with_two_pull_requests_the_report_goes_to_that_of_its_base(
    gh: Gh, environment
):
    bases = {6: "x", 7: "y"}.items()
    same = [{"number": n, "head": {"sha": SHA}, "base": {"ref": base}} for n, base in bases]
    gh.answers({PULLS: json.dumps(same), COMMENTS: "", POST: "{}"})
    report = Path(environment["REPORT"])
    report.write_text(f"{MARK}\n\n## B is better\n\nA is `origin/y (0123)`, B this change.\n")

    comment(environment)
    report.write_text(f"{MARK}\n\n## B is better\n\nA is `origin/z (0123)`, B this change.\n")
    comment(environment)

    posted = [call.words[3] for call in gh.calls() if "POST" in call.words]
    assert posted == ["repos/team/churn/issues/7/comments"]


def test_nothing_is_said_where_there_is_nothing_to_say(gh: Gh, environment, capsys):
    # The branch has moved on since the run,
    gh.answers({PULLS: json.dumps([{"number": 7, "head": {"sha": "f" * 40}}])})
    comment(environment)
    assert f"No open pull request of {HEAD} is at {SHA}" in capsys.readouterr().out
    # or the run failed before it made a report.
    Path(environment["REPORT"]).unlink()
    comment(environment)
    assert "the run made none" in capsys.readouterr().out
    assert len(gh.calls()) == 1


def test_what_is_no_report_is_not_posted(gh: Gh, environment):
    gh.answers({PULLS: OPEN})
    Path(environment["REPORT"]).write_text("Buy this!")
    with pytest.raises(NotAReport, match=r"does not begin as a report .*nothing is posted"):
        comment(environment)
    assert len(gh.calls()) == 1


def test_mistakes_are_told(gh: Gh, environment):
    gh.answers({PULLS: {"error": "HTTP 403: Resource not accessible by integration"}})
    with pytest.raises(GitHubRefused, match=r"gh api -X: HTTP 403: .*GH_TOKEN"):
        comment(environment)
    with pytest.raises(VariableMissing, match="HEAD_SHA is not set"):
        comment({k: v for k, v in environment.items() if k != "HEAD_SHA"})


@given(st.text(alphabet=st.sampled_from("@ab\n# 🙂"), max_size=50), st.integers(0, MOST))
def test_a_comment_is_never_too_long_and_calls_nobody(text: str, size: int):
    said = body(f"{MARK}\n{text * (size // max(len(text), 1) + 1)}", SHA)

    assert len(said) <= MOST
    assert said.startswith(MARK)
    assert said.endswith("_Written by the code of this pull request at 0123456789ab._\n")
    assert "@a" not in said
