"""A MariaDB server of the tests' own, or the one that `MYSQL_URL` names."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path

import pymysql
from sqlalchemy import make_url

from tests.ports import free_port
from tests.waiting import until

USER, PASSWORD = "churn", "secret"
SERVER = Path("/usr/sbin/mariadbd")
FIRST = f"""
CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO '{USER}'@'%';
"""
# What is committed outlives the server, but not the machine, which matters to nobody here.
SETTINGS = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=16M",
    "--skip-name-resolve",
    "--bind-address=127.0.0.1",
)


class MariaDb:
    """A server that answers."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="churn-mariadb-"))
        self._port, data = free_port(), self._folder / "data"
        data.mkdir()
        first = self._folder / "first.sql"
        first.write_text(FIRST)
        # A server may not belong to root.
        user = ["--user=nobody"] if os.geteuid() == 0 else []
        if user:
            for path in (self._folder, data):
                shutil.chown(path, "nobody", "nogroup")
        self._folder.chmod(0o755)
        common = ["--no-defaults", *user, f"--datadir={data}"]
        installed = ["mariadb-install-db", *common, "--skip-test-db", "--skip-name-resolve"]
        self._said = (self._folder / "said").open("ab")
        subprocess.run(installed, check=True, stdout=self._said, stderr=self._said)
        places = [f"--port={self._port}", f"--socket={self._folder}/socket"]
        places += [f"--init-file={first}", f"--pid-file={self._folder}/pid"]
        self._process = subprocess.Popen(
            [str(SERVER), *common, *places, *SETTINGS],
            stdout=self._said,
            stderr=self._said,
        )
        until(self._is_ready, "MariaDB answers")

    @property
    def url(self) -> str:
        """Its address."""
        return f"mysql://{USER}:{PASSWORD}@127.0.0.1:{self._port}/"

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, (self._folder / "said").read_text()
        with suppress(pymysql.OperationalError):
            _connected(self.url).close()
            return True
        return False

    def remove(self) -> None:
        """End it, and remove its folder."""
        self._process.kill()
        self._process.wait()
        self._said.close()
        shutil.rmtree(self._folder)


def new_database(server: str) -> str:
    """Make an empty database on a server, given one of its addresses, and give its address."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with _connected(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _connected(server: str) -> pymysql.Connection:
    url = make_url(server)
    given = {"host": url.host, "port": url.port or 3306, "user": url.username}
    return pymysql.connect(**given, password=url.password or "")
