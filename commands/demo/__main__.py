"""`make demo`: a model's life in two minutes. Exits with 1 if it does not go as it should.

A server of its own answers some two hundred customers a day; what becomes of them is known two
weeks later. On day 20 the world changes. The check of `make retrain-check` looks at the log every
evening; when it says so, and enough outcomes are known, a new model is trained and put into
service under load. reports/demo.html tells the story.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from churn.database import database_url, parsed, shown
from churn.demo_page import demo_page
from churn.errors import ChurnError
from churn.files import write_text
from churn.migrating import migrate
from churn.model_sources import source
from churn.params import read_parameters
from churn.prediction_log import PredictionLog
from churn.story import Story
from commands.demo.play import Play
from commands.demo.server import running
from commands.demo.verdict import mistakes
from commands.demo.world import Plan, bodies, customers
from commands.retrain_check import watched

FEWEST = 50
PARAMS, PAGE = Path("params.yaml"), Path("reports/demo.html")


def arguments() -> Plan:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m commands.demo", description=__doc__)
    parser.add_argument("--customers", type=int, default=200, help="a day, in the mean")
    parser.add_argument("--seed", type=int, default=0, help="of the customers")
    given = parser.parse_args()
    if given.customers < FEWEST:
        parser.error(f"argument --customers: {given.customers} is too few; give {FEWEST} or more")
    if given.seed < 0:
        parser.error(f"argument --seed: {given.seed} is below 0")
    return Plan(given.customers, given.seed)


def played(plan: Plan, folder: Path) -> tuple[Story, list[str]]:
    """Play the demo; the story, and what was not as it should be.

    Raises:
        ChurnError: there is no model, or no server, or no log.
    """
    parameters, now = read_parameters(PARAMS), datetime.now(UTC)
    name = os.environ.get("MODEL") or "models/churn"
    model = watched(source(name, folder / "fetched"), now)
    contract = model.bundle.manifest.contract
    bodies(customers(plan, 1), contract)
    parameters = parameters.model_copy(update={"table": contract})
    model.bundle.save(folder / "model")
    # A folder's model answers under its hash, whatever MODEL names it.
    model = replace(model, version=model.bundle.short)
    address = os.environ.get("DATABASE_URL") or f"sqlite:///{folder}/log.db"
    url = database_url({"DATABASE_URL": address})
    migrate(url)
    with (
        running(folder / "model", folder, url) as server,
        closing(PredictionLog.open(url)) as log,
    ):
        play = Play(plan, server, log, shown(parsed(url)), model, folder / "model", parameters)
        story = play.run()
        logged = log.read(play.starts[0], datetime.now(UTC))
        return story, [*mistakes(story, server.failed, play.sent, logged)]


def text(story: Story) -> str:
    """The story in a few lines."""
    alarm, retrained = story.alarm, story.retrained
    lines = [f"Day {story.shift}: the world changes"]
    if alarm:
        reasons = "; ".join(story.days[alarm - 1].check.decision.reasons)
        lines.append(f"Day {alarm}: alarm: {reasons}")
    if retrained:
        lines.append(f"Day {retrained.day}: a new model, of {retrained.customers:,} customers")
        for words, said in (
            ("new", story.last(lambda d: d.served)),
            ("old", story.last(lambda d: d.first_model)),
        ):
            lines.append(
                f"Last ten days, {words} model: accuracy {said['accuracy']:.3f}, "
                f"log loss {said['log_loss']:.3f}"
            )
    return "\n".join(lines)


def main() -> None:
    """Play, write the page, say what happened."""
    plan = arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="churn-demo-") as folder:
            story, wrong = played(plan, Path(folder))
    except ChurnError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; nothing was written")
    write_text(PAGE, demo_page(story, read_parameters(PARAMS).drift))
    print(f"{text(story)}\n\n{PAGE}")
    if wrong:
        sys.exit("\n".join(f"error: {one}" for one in wrong))


if __name__ == "__main__":
    main()
