"""A PostgreSQL server of the tests' own, or the one that `POSTGRES_URL` names."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.ports import free_port

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parts[-2]))
# What is committed outlives the server, but not the machine, which matters to nobody here.
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200")


class Postgres:
    """A server that can be stopped and started again on the same port with the same data."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="churn-postgres-"))
        self._port = free_port()
        self._data = self._folder / "data"
        if os.geteuid() == 0:
            shutil.chown(self._folder, "nobody", "nogroup")
        self._folder.chmod(0o755)
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "-E", "UTF8")
        self.start()

    def url(self, database: str = "postgres") -> str:
        """Address of a database."""
        return f"postgresql://postgres:secret@127.0.0.1:{self._port}/{database}"

    def new_database(self) -> str:
        """Make an empty database and give its address."""
        return new_database(self.url())

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [f"-c {setting}" for setting in SETTINGS]
        options += [f"-p {self._port}", f"-k {self._folder}", "-c listen_addresses=127.0.0.1"]
        log = self._folder / "log"
        self._run("pg_ctl", "start", "-w", "-s", "-l", str(log), "-o", " ".join(options))

    def stop(self) -> None:
        """Stop the server at once; its connections break."""
        self._run("pg_ctl", "stop", "-w", "-s", "-m", "immediate")

    def remove(self) -> None:
        """Stop the server if it runs, and remove its folder."""
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        # A server may not belong to root.
        other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        command = [str(BINARIES[-1] / program), "-D", str(self._data), *arguments]
        said = self._folder / "said"
        # A server that starts keeps its output open, so that goes to a file and not into a pipe.
        with said.open("ab") as output:
            done = subprocess.run(
                [*(other if os.geteuid() == 0 else []), *command],
                cwd=self._folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        assert done.returncode == 0, said.read_text()


def new_database(server: str) -> str:
    """Make an empty database on a server, given one of its addresses, and give its address."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)
