"""`make rollout`: the servers change over to the image of `CHURN_IMAGE`, one after the other.

The load balancer sends a server nothing more, and when it has answered what it had, it is replaced;
the next waits until requests go to the new one. If that does not become ready, the others stay as
they are.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass

from churn.errors import ChurnError, EngineFailed, NotRolledOut, ServiceDown
from commands.stack.services import compose, run_in, until

BALANCER, BACKEND = "load-balancer", "replicas"
# HAProxy's commands, in its container.
RUNTIME = ("nc", "127.0.0.1", "9999")
# Until a server is ready, and until the load balancer has noticed, or has no request there.
READY_SECONDS, NOTICED_SECONDS = 60, 30.0


@dataclass(frozen=True)
class State:
    """A server as the load balancer sees it: its status, such as UP, and its requests at once."""

    status: str
    requests: int


def told(command: str) -> str:
    """What the load balancer answers to a command of HAProxy's runtime API.

    Raises:
        ServiceDown: it does not run.
    """
    try:
        return run_in(BALANCER, *RUNTIME, given=f"{command}\n")
    except EngineFailed as error:
        raise ServiceDown(BALANCER, error.why) from None


def states() -> dict[str, State]:
    """The state of each server, in the order of the load balancer's list.

    Raises:
        ServiceDown: it does not run.
    """
    rows = csv.DictReader(told("show stat").lstrip("# ").splitlines())
    return {
        row["svname"]: State(row["status"], int(row["scur"]))
        for row in rows
        if row["pxname"] == BACKEND and row["svname"] != "BACKEND"
    }


def wait(server: str, is_there: Callable[[State], bool]) -> None:
    """Wait until a server's state is what is wanted.

    Raises:
        NotRolledOut: it does not become so.
    """

    def failure() -> NotRolledOut:
        state = states()[server]
        told = f"the load balancer says {state.status}, {state.requests} requests"
        return NotRolledOut(server, told)

    until(lambda: is_there(states()[server]), failure, NOTICED_SECONDS)


def is_up(state: State) -> bool:
    """Whether requests go there."""
    return state.status.startswith("UP")


def replace(server: str) -> None:
    """Replace a server by one of the image that is wanted now.

    Raises:
        NotRolledOut: the new one does not become ready.
    """
    options = ("--detach", "--no-deps", "--wait", f"--wait-timeout={READY_SECONDS}")
    told(f"set server {BACKEND}/{server} state drain")
    try:
        wait(server, lambda state: state.requests == 0)
        compose("up", *options, server)
    except EngineFailed as error:
        raise NotRolledOut(server, error.why) from None
    finally:
        told(f"set server {BACKEND}/{server} state ready")
    wait(server, is_up)


def rollout() -> list[str]:
    """Replace all servers; their names.

    Raises:
        NotRolledOut: one of them does not become ready, or another is not up.
        ServiceDown: the stack does not run.
    """
    servers = list(states())
    for server in servers:
        for other in servers:
            if other != server:
                wait(other, is_up)
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
