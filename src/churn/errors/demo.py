"""What can stand in the way of the demonstration."""

from __future__ import annotations

from collections.abc import Sequence

from churn.errors.base import ChurnError
from churn.wording import listed


class DemoNeedsTelco(ChurnError):
    """The model is of another table than the one whose customers can be drawn."""

    def __init__(self, table: str, different: Sequence[str]) -> None:
        super().__init__(
            f"the demo draws customers of table telco as it ships, and the model is of {table}; "
            f"different are: {listed(different)}. Set MODEL to a model of telco, or build one: "
            "make compose, then make repro."
        )


class DemoLacksServer(ChurnError):
    """The demo's own server did not come up."""

    def __init__(self, last: str) -> None:
        super().__init__(
            f"the demo's server does not answer; the last line of its log: {last or '(none)'}. "
            "Mend that, and see that make serve starts."
        )
