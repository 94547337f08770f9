"""The reports in a real browser: no console error, no request, nothing cut off."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.checkout import Checkout

PAGES = ("reports/evaluation.html", "reports/drift.html")
DESKTOP, PHONE = (1200, 900), (390, 844)


def opened(browser: Chrome, page: Path, size: tuple[int, int]) -> None:
    """Load a page at a window size as a phone or a desktop has it."""
    browser.get("about:blank")
    width, height = size
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
    )
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(page.as_uri())


def requests(browser: Chrome) -> list[str]:
    """Addresses that the page asked for since it was opened."""
    messages = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    sent = [one for one in messages if one["method"] == "Network.requestWillBeSent"]
    return [one["params"]["request"]["url"] for one in sent]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_report_opens_without_an_error_or_a_request(
    browser: Chrome, reproduced: Checkout, name: str, size: tuple[int, int]
):
    page = reproduced.folder / name

    opened(browser, page, size)

    asked = [url for url in requests(browser) if not url.startswith("data:")]
    assert asked == [page.as_uri()]
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_report_fits_the_width_of_the_screen(
    browser: Chrome, reproduced: Checkout, name: str, size: tuple[int, int]
):
    opened(browser, reproduced.folder / name, size)

    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
    charts = browser.execute_script(
        "return [...document.querySelectorAll('svg')].map(one => {"
        " const box = one.getBoundingClientRect();"
        " return [one.getAttribute('aria-label'), box.width, box.right]})"
    )
    assert charts
    for label, width, right in charts:
        assert width > 200, label
        assert right <= size[0], label


@pytest.mark.parametrize("name", PAGES)
def test_a_report_can_be_printed(browser: Chrome, reproduced: Checkout, name: str):
    opened(browser, reproduced.folder / name, DESKTOP)

    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})

    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF")
    # Nothing is wider than the paper: a browser would shrink the page to fit it.
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 718, "height": 1046, "deviceScaleFactor": 1, "mobile": False},
    )
    width = browser.execute_script("return document.documentElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert width <= 718
