"""Where a server listens, as its command line is told: the types of its arguments."""

from __future__ import annotations

import argparse

LOCAL = "127.0.0.1"
HOSTS = (LOCAL, "0.0.0.0", "::")  # noqa: S104 - each server asks for keys before it does


def host(text: str) -> str:
    """An address to listen on; not argparse's choices, which hold for the command line only."""
    if text not in HOSTS:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; give {', '.join(HOSTS)}")
    return text


def port(text: str) -> int:
    """A port that anybody may listen on."""
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; give 1024 to 65535")
    return int(text)
