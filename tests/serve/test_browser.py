"""The API in a real browser: its page, and calls from pages of elsewhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import presence_of_element_located
from selenium.webdriver.support.wait import WebDriverWait

from tests.serve.conftest import Serving
from tests.serve.running import Running
from tests.waiting import PATIENCE

CALL = """
const [url, done] = arguments;
fetch(url, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ customer_id: "A1", age: 42, tenure_months: 2, monthly_charges: 89.99,
                         support_calls: 5 }),
}).then((response) => response.json(), (error) => String(error)).then(done);
"""


def found(browser: Chrome, selector: str):
    """The first element, as soon as it is there."""
    wanted = presence_of_element_located((By.CSS_SELECTOR, selector))
    return WebDriverWait(browser, PATIENCE).until(wanted)


def asked_for(browser: Chrome) -> list[str]:
    """Addresses that the page has asked for."""
    messages = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    return [one["request"]["url"] for one in sent]


def test_the_page_shows_every_path_and_its_example_is_answered(browser: Chrome, server: Running):
    own = f"http://127.0.0.1:{server.port}"
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)

    browser.get(f"{own}/docs")
    summary = found(browser, "[id$=post_predict] .opblock-summary-control")
    shown = browser.find_elements(By.CSS_SELECTOR, ".opblock-summary-path")
    paths = {one.text.replace("\u200b", "") for one in shown}
    summary.click()
    button = found(browser, "[id$=post_predict] .execute")
    browser.execute_script("arguments[0].click()", button)
    answer = found(browser, "[id$=post_predict] .live-responses-table .microlight").text

    assert paths == server.get("/openapi.json").json["paths"].keys()
    assert json.loads(answer)["customer_id"] == "CUST001"
    assert 0 < json.loads(answer)["churn_probability"] < 1
    assert browser.get_log("browser") == []
    # Everything that the page needs comes from the server itself.
    assert all(url.startswith((own, "data:")) for url in asked_for(browser))


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """A web page of elsewhere, and where it is."""
    (tmp_path / "index.html").write_text("<!doctype html><title>CRM</title>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_port}"
        web.shutdown()


def test_a_page_that_is_named_may_call_the_api_and_no_other(
    browser: Chrome, page: str, serving: Serving, telco, server: Running
):
    # Given two servers, one of which names the page's address,
    named = serving(telco, cors_origins=[page])
    browser.get(page)

    # when the page calls both,
    answer, refusal = (
        browser.execute_async_script(CALL, f"http://127.0.0.1:{one.port}/predict")
        for one in (named, server)
    )

    # then only that one's answer is shown to it.
    assert answer["customer_id"] == "A1"
    assert "Failed to fetch" in refusal
