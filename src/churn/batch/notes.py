"""What a run has done so far, in a folder of its own, so that it can be gone on with.

What the model said of each piece of the input is appended to one file, and where it stands there to
another; only what the second one has counts. Output is made of both from its first row on, so one
that was gone on with is the same, bit for bit, as one that was never interrupted.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.ipc

from churn.batch.pieces import Position
from churn.batch.scored import Scored
from churn.errors import OtherRun, RunInProgress, UnfinishedRun
from churn.files import read_json, write_json
from churn.reading.places import writing

JOB, ROWS, JOURNAL, LOCK = "job.json", "rows.arrow", "journal", "lock"
Line = dict[str, Any]


class Notes:
    """The notes of one run, locked against others.

    Attributes:
        folder: in which there is room for the run's unfinished files, too.
        run: that the notes are of; another one, another name.
        force: whether the run was asked to replace what is there, now or when it began.
        end: of what is done.
        is_whole: whether everything is done but for putting the output into its place.
    """

    def __init__(self, folder: Path, *, force: bool) -> None:
        self.folder = folder
        self.run: str = read_json(folder / JOB)["run"]
        self.force = force
        self._lines = _lines(folder / JOURNAL)
        self.is_whole = bool(self._lines) and "whole" in self._lines[-1]
        self._done = [line for line in self._lines if "end" in line]
        self.end = Position(**self._done[-1]["end"]) if self._done else Position()
        self._bytes = self._done[-1]["aside"] if self._done else 0
        self._rows = _appending(folder / ROWS, self._bytes)
        self._journal = _appending(folder / JOURNAL, sum(map(len, map(_line, self._lines))))

    def add(self, scored: Scored) -> None:
        """Note down a piece: from now on it is done.

        Raises:
            CannotWrite: the disk is full.
        """
        with writing(self.folder):
            ends = [self._append(table) for table in (scored.scores, scored.aside)]
            os.fdatasync(self._rows.fileno())
            line = {"end": asdict(scored.end), "scores": ends[0], "aside": ends[1]}
            self._note(line)
        self.end = scored.end

    def whole(self) -> None:
        """Note down that everything is done."""
        with writing(self.folder):
            self._note({"whole": True})
        self.is_whole = True

    def pieces(self) -> Iterator[Scored]:
        """What is done, from the first piece on."""
        begin = 0
        with (self.folder / ROWS).open("rb") as rows:
            for line in self._done:
                tables = []
                for end in (line["scores"], line["aside"]):
                    tables.append(pa.ipc.open_stream(rows.read(end - begin)).read_all())
                    begin = end
                yield Scored(Position(**line["end"]), *tables)

    def _append(self, table: pa.Table) -> int:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        data = sink.getvalue()
        self._rows.write(data)
        self._rows.flush()
        self._bytes += len(data)
        return self._bytes

    def _note(self, line: Line) -> None:
        self._journal.write(_line(line))
        self._journal.flush()
        os.fdatasync(self._journal.fileno())

    def close(self) -> None:
        """Close the files; what a full disk does not take is not in the journal, and no loss."""
        for file in (self._rows, self._journal):
            with suppress(OSError):
                file.close()

    def remove(self) -> None:
        """Remove them, and the folder."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def opened(
    folder: Path, output: str, job: Mapping[str, Any], *, resume: bool, force: bool
) -> Iterator[Notes]:
    """The notes of a run, begun or gone on with.

    Args:
        folder: of the notes; it need not be there.
        output: address of the output, for the errors.
        job: what makes the run the one that it is.
        resume: go on with what an interrupted run has done.
        force: begin anew instead, if that cannot be or is not wanted.
    Raises:
        RunInProgress: another process has the folder.
        UnfinishedRun: an interrupted run has left something, and neither was said.
        OtherRun: it cannot be gone on with.
        CannotWrite: the folder cannot be written to.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / LOCK).open("wb")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunInProgress(output) from None
        with writing(folder):
            is_forced = force or (resume and _was_forced(folder))
            if not _goes_on(folder, output, job, resume=resume, force=force):
                _begin(folder, job, force=is_forced)
            notes = Notes(folder, force=is_forced)
        try:
            yield notes
        finally:
            notes.close()


def _was_forced(folder: Path) -> bool:
    return (folder / JOB).is_file() and bool(read_json(folder / JOB).get("force"))


def _goes_on(
    folder: Path, output: str, job: Mapping[str, Any], *, resume: bool, force: bool
) -> bool:
    """Whether what is in the folder is of use."""
    if not (folder / JOB).is_file() or not (lines := _lines(folder / JOURNAL)):
        return False
    if not resume:
        if force:
            return False
        raise UnfinishedRun(output, next(n["end"]["rows"] for n in lines[::-1] if "end" in n))
    known = read_json(folder / JOB)["job"]
    different = [name for name in {**known, **job} if known.get(name) != job.get(name)]
    if different and not force:
        raise OtherRun(output, different)
    return not different


def _begin(folder: Path, job: Mapping[str, Any], *, force: bool) -> None:
    for path in folder.iterdir():
        if path.name != LOCK:
            path.unlink()
    write_json(folder / JOB, {"run": uuid.uuid4().hex, "job": job, "force": force})


def _lines(path: Path) -> list[Line]:
    """The lines of the journal; one that was cut off does not count."""
    text = path.read_bytes() if path.is_file() else b""
    return [json.loads(line) for line in text.split(b"\n")[:-1]]


def _line(content: Line) -> bytes:
    return json.dumps(content).encode() + b"\n"


def _appending(path: Path, size: int) -> BinaryIO:
    """A file to append to, without what was written to it after its first `size` bytes."""
    path.touch()
    os.truncate(path, size)
    return path.open("ab")
