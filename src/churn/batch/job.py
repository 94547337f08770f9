"""What is to be scored, with what, and where to: the variables of `make score`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from churn.errors import NotAllowed, NotGiven, UnknownPlace
from churn.reading.places import READ, WRITTEN, Download, File, Place, Table, place

MODEL, WORK_FOLDER = "models/churn", "predictions/unfinished"
MOST_REASONS = 50
ENGINES = ("local", "spark")


@dataclass(frozen=True)
class Job:
    """What is to be done.

    Attributes:
        input: where the customers are.
        query: in place of a table of the input's database.
        output: where the scores go.
        model: a folder, a version or a stage.
        explain: reasons for each customer; 0 for none.
        resume: go on with what was interrupted.
        force: replace what is there.
        folder: for what is unfinished.
    """

    input: Place
    query: str | None
    output: File | Table
    model: str
    explain: int
    resume: bool
    force: bool
    folder: Path


def engine(environment: Mapping[str, str]) -> str:
    """What scores: `local`, this machine, or `spark`.

    Raises:
        NotAllowed: something else is named.
    """
    named = environment.get("ENGINE", "").strip() or ENGINES[0]
    if named not in ENGINES:
        raise NotAllowed("ENGINE", named[:20], " or ".join(ENGINES))
    return named


def job(environment: Mapping[str, str]) -> Job:
    """Read the variables.

    Raises:
        NotGiven, NotAllowed, UnknownPlace.
    """
    source, target = (given(environment, name) for name in ("INPUT", "OUTPUT"))
    output = place("OUTPUT", target, WRITTEN)
    if isinstance(output, Download) or (isinstance(output, Table) and output.name is None):
        raise UnknownPlace("OUTPUT", output.shown, "a file nor a table")
    query = environment.get("QUERY", "").strip() or None
    read = place("INPUT", source, READ)
    if isinstance(read, Table) and (read.name is None) == (query is None):
        if query:
            raise NotAllowed("QUERY", query, "nothing beside an INPUT that names a table")
        allowed = 'a database with a table behind it (#customers), or with QUERY="SELECT …"'
        raise NotAllowed("INPUT", read.shown, allowed)
    if query and not isinstance(read, Table):
        raise NotAllowed("QUERY", query, "nothing, unless INPUT is a database")
    work = Path(environment.get("WORK_FOLDER") or WORK_FOLDER)
    return Job(
        input=read,
        query=query,
        output=output,
        model=environment.get("MODEL") or MODEL,
        explain=explained(environment.get("EXPLAIN", "")),
        resume=is_said(environment.get("RESUME", "")),
        force=is_said(environment.get("FORCE", "")),
        folder=_folder(output, target, work),
    )


def given(environment: Mapping[str, str], name: str) -> str:
    """A variable that must be set.

    Raises:
        NotGiven: it is not.
    """
    if not (value := environment.get(name, "").strip()):
        raise NotGiven(name)
    return value


def is_said(value: str) -> bool:
    """Whether a variable such as FORCE says yes."""
    return value not in ("", "0")


def explained(value: str) -> int:
    """How many reasons EXPLAIN asks for.

    Raises:
        NotAllowed: it is no number, or too large.
    """
    if not value:
        return 0
    if not (value.isascii() and value.isdecimal() and int(value[:3]) <= MOST_REASONS):
        raise NotAllowed("EXPLAIN", value[:20], f"a whole number from 0 to {MOST_REASONS}")
    return int(value)


def _folder(output: File | Table, address: str, work: Path) -> Path:
    """Beside a file of this machine, so that it can be moved; elsewhere for what is far away."""
    if isinstance(output, File) and output.is_local:
        path = Path(output.path)
        return path.with_name(f".{path.name}.unfinished")
    return work / sha256(address.encode()).hexdigest()[:16]
