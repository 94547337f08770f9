"""Notes: what is in the journal counts, whatever was cut off, and nobody writes them twice."""

import os

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import errors
from churn.batch.notes import JOURNAL, ROWS, opened
from churn.batch.pieces import Position
from churn.batch.scored import Scored

JOB = {"input": "a", "model": ["v1", "x"]}


def piece(number, rows=3):
    table = pa.table({"id": [f"{number}-{i}" for i in range(rows)], "p": [number / 7] * rows})
    return Scored(Position(rows * (number + 1), number, rows), table, table.slice(0, number % 2))


def begun(folder, pieces, **how):
    with opened(folder, "out", JOB, **{"resume": False, "force": False, **how}) as notes:
        for one in range(pieces):
            notes.add(piece(one))


def gone_on(folder, job=JOB, **how):
    with opened(folder, "out", job, **{"resume": True, "force": False, **how}) as notes:
        return [*notes.pieces()], notes.end


@settings(deadline=None, max_examples=40)
@given(pieces=st.integers(0, 4), data=st.data())
def test_what_was_cut_off_is_done_again(tmp_path_factory, pieces, data):
    folder = tmp_path_factory.mktemp("run") / "notes"
    begun(folder, pieces)
    sizes = {name: (folder / name).stat().st_size for name in (ROWS, JOURNAL)}
    # A kill leaves the end of a file cut off; what is in the journal, the rows are on the disk.
    os.truncate(folder / JOURNAL, data.draw(st.integers(0, sizes[JOURNAL])))
    with (folder / ROWS).open("ab") as rows:
        rows.write(data.draw(st.binary(max_size=50)))
    left = (folder / JOURNAL).read_bytes().count(b"\n")

    found, end = gone_on(folder)

    assert found == [piece(one) for one in range(left)]
    assert end == (piece(left - 1).end if left else Position())
    # and what is added then stands where it should.
    with opened(folder, "out", JOB, resume=True, force=False) as notes:
        notes.add(piece(left))
    assert gone_on(folder)[0] == [piece(one) for one in range(left + 1)]


def test_who_has_not_said_what_to_do_is_asked(tmp_path):
    begun(tmp_path / "notes", 2)
    with pytest.raises(errors.UnfinishedRun, match=r"after 6 rows\. Go on with RESUME=1, or"):
        begun(tmp_path / "notes", 1)

    begun(tmp_path / "notes", 1, force=True)
    assert len(gone_on(tmp_path / "notes")[0]) == 1


@pytest.mark.parametrize("pieces", [0, 2])
def test_what_is_gone_on_with_replaces_if_it_was_begun_so(tmp_path, pieces):
    begun(tmp_path / "forced", pieces, force=True)
    begun(tmp_path / "not", pieces)
    for name, force in {"forced": True, "not": False}.items():
        with opened(tmp_path / name, "out", JOB, resume=True, force=False) as notes:
            assert notes.force is force
    # Begun anew, it is asked anew.
    begun(tmp_path / "forced", 0, force=True)
    with opened(tmp_path / "forced", "out", JOB, resume=False, force=False) as notes:
        assert not notes.force


def test_another_run_is_not_gone_on_with(tmp_path):
    begun(tmp_path / "notes", 1)
    other = {"input": "b", "model": ["v1", "x"]}
    with pytest.raises(errors.OtherRun, match=r"others now: input\. Begin anew"):
        gone_on(tmp_path / "notes", other)

    assert gone_on(tmp_path / "notes", other, force=True)[0] == []


def test_two_do_not_write_the_same_notes(tmp_path):
    with (
        opened(tmp_path / "notes", "out", JOB, resume=False, force=False),
        pytest.raises(errors.RunInProgress, match="OUTPUT=out: another process"),
    ):
        begun(tmp_path / "notes", 1, force=True)


def test_a_place_that_takes_no_notes_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.CannotWrite, match="Not a directory"):
        begun(tmp_path / "file/notes", 1)
