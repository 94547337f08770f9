"""`make rollout`: the servers change over to the image of `CHURN_IMAGE`, one after the other.

Each is stopped in good order while the other answers; the next waits until the load balancer sends
requests to the one before. If the new one does not become ready, the others stay as they are.
"""

from __future__ import annotations

import csv
import sys
import time

from churn.errors import ChurnError, NotRolledOut
from commands.stack.services import compose, run_in

BALANCER, BACKEND = "load-balancer", "replicas"
STATUS = ("wget", "-qO-", "http://127.0.0.1:8404/stats;csv")
# Until a server is ready, and until the load balancer has noticed.
READY_SECONDS, NOTICED_SECONDS, PAUSE = 60, 30.0, 0.2


def states() -> dict[str, str]:
    """The state of each server as the load balancer sees it, such as UP; in the order of its list.

    Raises:
        EngineFailed: it does not run.
    """
    rows = csv.DictReader(run_in(BALANCER, *STATUS).lstrip("# ").splitlines())
    return {
        row["svname"]: row["status"]
        for row in rows
        if row["pxname"] == BACKEND and row["svname"] != "BACKEND"
    }


def wait_until_up(server: str) -> None:
    """Wait until the load balancer sends requests to a server.

    Raises:
        NotRolledOut: it does not.
    """
    end = time.monotonic() + NOTICED_SECONDS
    while (state := states()[server]) != "UP":
        if time.monotonic() > end:
            raise NotRolledOut(server, f"the load balancer says {state}")
        time.sleep(PAUSE)


def replace(server: str) -> None:
    """Replace a server by one of the image that is wanted now.

    Raises:
        NotRolledOut: the new one does not become ready.
    """
    told = ("--detach", "--no-deps", "--wait", f"--wait-timeout={READY_SECONDS}")
    try:
        compose("up", *told, server)
    except ChurnError as error:
        raise NotRolledOut(server, str(error)) from None
    wait_until_up(server)


def rollout() -> list[str]:
    """Replace all servers; their names.

    Raises:
        NotRolledOut: one of them does not become ready, or another is not up.
        EngineFailed: the stack does not run.
    """
    servers = list(states())
    for server in servers:
        for other in servers:
            if other != server:
                wait_until_up(other)
        replace(server)
        print(f"{server}: up")
    return servers


def main() -> None:
    """Roll out, or say what stands in the way."""
    try:
        rollout()
    except ChurnError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
