"""What Alertmanager posts, version 4 of its webhook, as far as a training is concerned with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from deploy.dispatcher.errors import InvalidNotification, MalformedBody

MOST_ALERTS = 1000
MOST_PROBLEMS = 5
# They go into a workflow: nothing in them may mean something to a shell.
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,199}$")]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")]


class _Posted(BaseModel):
    """Base of all parts; what else Alertmanager says of them is not looked at."""

    model_config = ConfigDict(frozen=True)


class Labels(_Posted):
    """Labels of an alert; `feature` is that of drift alone."""

    alertname: Name
    feature: Name | None = None


class Alert(_Posted):
    """An alert.

    Attributes:
        starts_at: since when it fires, by Prometheus's clock; stays the same as long as it does.
        source: page of Prometheus with the rule's expression.
    """

    status: Literal["firing", "resolved"]
    labels: Labels
    starts_at: AwareDatetime = Field(alias="startsAt")
    source: str = Field("", alias="generatorURL")


class Group(_Posted):
    """Labels that the alerts of a notification have in common because they are grouped by them."""

    model_version: Version


class Notification(_Posted):
    """What is known of a model's alarms now.

    Attributes:
        status: `resolved` if no alert of the model fires any more.
        alerts: those that fire, and those that have ended since the last notification.
        address: of Alertmanager.
        left_out: how many alerts are not listed.
    """

    version: Literal["4"]
    status: Literal["firing", "resolved"]
    group: Group = Field(alias="groupLabels")
    alerts: Annotated[tuple[Alert, ...], Field(min_length=1, max_length=MOST_ALERTS)]
    address: str = Field("", alias="externalURL")
    left_out: int = Field(0, alias="truncatedAlerts", ge=0)

    @model_validator(mode="after")
    def _fires_if_an_alert_does(self) -> Self:
        if (self.status == "firing") != bool(self.firing):
            raise ValueError(f"status is {self.status}, but {len(self.firing)} alerts fire")
        return self

    @property
    def model_version(self) -> str:
        """The model that the alerts are about."""
        return self.group.model_version

    @property
    def firing(self) -> list[Alert]:
        """The alerts that fire."""
        return [one for one in self.alerts if one.status == "firing"]

    @property
    def first_start(self) -> datetime:
        """When the first of the alerts began."""
        return min(one.starts_at for one in self.alerts)

    @property
    def last_start(self) -> datetime:
        """When the last of the alerts began."""
        return max(one.starts_at for one in self.alerts)


def parsed(raw: bytes) -> Notification:
    """The notification in a body.

    Raises:
        MalformedBody: it is no JSON.
        InvalidNotification: it is something else.
    """
    try:
        return Notification.model_validate_json(raw)
    except ValidationError as error:
        # Without the values: an alert's text may hold anything.
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        if problems[0]["type"] == "json_invalid":
            raise MalformedBody(problems[0]["msg"].removeprefix("Invalid JSON: ")) from None
        told = [
            f"{'.'.join(map(str, one['loc'])) or 'top level'}: {one['msg'].lower()}"
            for one in problems[:MOST_PROBLEMS]
        ]
        raise InvalidNotification(told) from None
