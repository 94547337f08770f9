"""Two stand-ins for servers: pages of metrics under the server's names, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.listening import listening

VERSION = "v1.2.0"
# Bins of two columns and of the score: name, reference share, rows.
BINS = {
    "age": {"up to 40": (0.5, 400), "over 40": (0.5, 100), "(missing)": (0.0, 0)},
    "contract": {"Month": (0.6, 310), "Year": (0.4, 190), "(unseen)": (0.0, 0)},
    "churn_probability": {"up to 0.5": (0.7, 350), "over 0.5": (0.3, 150)},
}
LEVELS = {"low": 250, "medium": 150, "high": 100}
TENTHS = [f"{i / 10:.1f}" for i in range(1, 11)]


def page(since: bool) -> str:
    """The metrics of one server: as it starts, or when 500 customers have been scored since."""
    n = int(since)
    lines = [
        f'churn_model_info{{role="champion",model_version="{VERSION}",data_sha256="d"}} 1',
        f'churn_model_created_seconds{{model_version="{VERSION}"}} 1.7e9',
        f'churn_reference_churn_ratio{{model_version="{VERSION}"}} 0.3',
        f'churn_predicted_churners_total{{model_version="{VERSION}"}} {150 * n}',
    ]
    for level, count in LEVELS.items():
        labels = f'model_version="{VERSION}",risk_level="{level}"'
        lines.append(f"churn_predictions_total{{{labels}}} {count * n}")
    for feature, bins in BINS.items():
        for name, (share, rows) in bins.items():
            labels = f'model_version="{VERSION}",feature="{feature}",bin="{name}"'
            lines.append(f"churn_feature_reference_ratio{{{labels}}} {share}")
            lines.append(f"churn_feature_bin_total{{{labels}}} {rows * n}")
    return "\n".join([*lines, *_requests(n), *_outcomes(n), *_log(n), *_shadow(n), ""])


def _requests(n: int) -> list[str]:
    lines = ['churn_invalid_values_total{field="age"} ' + str(3 * n)]
    for endpoint in ("/predict", "/predict/batch"):
        for status, count in {"200": 250, "422": 3, "503": 1}.items():
            labels = f'endpoint="{endpoint}",status="{status}"'
            lines.append(f"churn_requests_total{{{labels}}} {count * n}")
        seconds = {"0.005": 200, "0.05": 253, "1.0": 254, "+Inf": 254}
        lines += _histogram("churn_request_seconds", seconds, n, f'endpoint="{endpoint}"')
        rows = {"1": 200, "10": 254, "+Inf": 254}
        lines += _histogram("churn_request_rows", rows, n, f'endpoint="{endpoint}"')
    tenths = {bound: 50 * (i + 1) for i, bound in enumerate(TENTHS)} | {"+Inf": 500}
    return lines + _histogram("churn_probability", tenths, n)


def _outcomes(n: int) -> list[str]:
    counts = {("churn", "churn"): 80, ("churn", "stay"): 70, ("stay", "churn"): 60}
    counts["stay", "stay"] = 190
    return [
        *(
            f'churn_outcomes_total{{model_version="{VERSION}",predicted="{said}",actual="{was}"}} '
            f"{count * n}"
            for (said, was), count in counts.items()
        ),
        *(
            f'churn_baseline_metric{{model_version="{VERSION}",metric="{name}"}} 0.76'
            for name in ("accuracy", "precision", "recall", "f1", "roc_auc")
        ),
        f'churn_feedback_rows_total{{result="matched"}} {400 * n}',
    ]


def _log(n: int) -> list[str]:
    return [
        f"churn_log_queue_rows {7 * n}",
        "churn_log_spool_rows 0",
        "churn_log_spool_bytes 0",
        f"churn_log_rows_total {493 * n}",
        'churn_log_rows_lost_total{reason="disk"} 0',
        "churn_log_database_up 1",
    ]


def _shadow(n: int) -> list[str]:
    return [
        f"churn_shadow_customers_total {100 * n}",
        f"churn_shadow_disagreements_total {4 * n}",
        "churn_shadow_dropped_total 0",
        *_histogram("churn_shadow_difference", {"0.1": 90, "+Inf": 100}, n),
    ]


def _histogram(name: str, cumulative: dict[str, int], n: int, labels: str = "") -> list[str]:
    start = f"{labels}," if labels else ""
    lines = [
        f'{name}_bucket{{{start}le="{bound}"}} {count * n}' for bound, count in cumulative.items()
    ]
    total = cumulative["+Inf"] * n
    return [*lines, f"{name}_sum{{{labels}}} {total / 100}", f"{name}_count{{{labels}}} {total}"]


class StandIn:
    """A server that has metrics and nothing else; `content` is its page."""

    def __init__(self, content: str) -> None:
        self.content = content
        self.scrapes = 0
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = stand_in.content.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)
                stand_in.scrapes += 1

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def target(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.http.server_address[1]}"


@contextmanager
def serving(content: str) -> Iterator[StandIn]:
    """A stand-in that listens."""
    stand_in = StandIn(content)
    with listening(stand_in.http):
        yield stand_in
