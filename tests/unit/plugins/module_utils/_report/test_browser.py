# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages in a real browser: filters work, nothing is written to the console, readable on a screen and on a phone."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from ansible_collections.llmd.openshift.plugins.module_utils._report import fleet, html

from tests.unit.plugins.module_utils._report import test_fleet as made_by_hand

ROOT = Path(__file__).resolve().parents[5]
SHOTS = ROOT / "tests" / "output" / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
SCREEN, PHONE = (1280, 900), (390, 844)


class Page:
    """One tab, driven over the DevTools protocol."""

    def __init__(self, address: str) -> None:
        self.socket = websocket.create_connection(address, timeout=60, suppress_origin=True, http_no_proxy=["127.0.0.1"])
        self.numbers = itertools.count(1)
        self.console: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                self.console.append(json.dumps(message["params"]))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def open(self, path: Path, size: tuple[int, int]) -> None:
        width, height = size
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.send("Page.navigate", url=path.as_uri())
        self.wait("document.readyState === 'complete'")

    def js(self, expression: str) -> Any:
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, expression: str) -> None:
        end = time.monotonic() + 20
        while not self.js(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """A real press of the mouse, so that something lying over the box would show."""
        place = self.js(f"(e => {{ e.scrollIntoView(); let r = e.getClientRects()[0]; return [r.x + r.width / 2, r.y + r.height / 2] }})(document.querySelector('{selector}'))")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def visible(self, rows: str) -> int:
        return self.js(f"[...document.querySelectorAll('{rows}')].filter(e => e.offsetParent !== null).length")

    def screenshot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.js("scrollTo(0, 0)")
        data = self.send("Page.captureScreenshot", format="png")["data"]
        (SHOTS / f"{name}.png").write_bytes(base64.b64decode(data))

    def assert_readable(self, width: int) -> None:
        """The page itself doesn't scroll sideways (its tables may, each in its own box), and letters aren't tiny."""
        assert self.js("document.documentElement.scrollWidth") <= width
        sizes = self.js("[...document.querySelectorAll('td, th, p, label')].map(e => parseFloat(getComputedStyle(e).fontSize))")
        assert min(sizes) >= 12


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    profile = tmp_path_factory.mktemp("chromium")
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0"]
    command += [f"--user-data-dir={profile}", "--disable-background-networking", "--no-proxy-server", "about:blank"]
    browser = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = _address(profile / "DevToolsActivePort")
        with contextlib.closing(websocket.create_connection(address, timeout=60, suppress_origin=True, http_no_proxy=["127.0.0.1"])) as socket:
            socket.send(json.dumps({"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}}))
            answer: dict[str, Any] = {}
            while answer.get("id") != 1:
                answer = json.loads(socket.recv())
        yield Page(re.sub(r"/devtools/.*", f"/devtools/page/{answer['result']['targetId']}", address))
    finally:
        browser.kill()
        browser.wait()


def _address(told: Path) -> str:
    """Where the browser listens; it writes port and path into a file when it's ready."""
    end = time.monotonic() + 60
    while not (told.exists() and len(told.read_text().splitlines()) == 2):
        assert time.monotonic() < end, "Chromium didn't start"
        time.sleep(0.1)
    port, path = told.read_text().splitlines()
    return f"ws://127.0.0.1:{port}{path}"


def findings() -> list[dict[str, Any]]:
    made = made_by_hand.finding
    counts = {"fail": 2, "warn": 3, "unknown": 4, "waived": 1, "pass": 5}
    rows = [made(status=status, subject=f"node {status}-{number}") for status, count in counts.items() for number in range(count)]
    rows += [made(status="fail", path="pd_disaggregation"), made(status="warn", path="inference_scheduling", observed="<b>x</b>" + "y" * 300)]
    return rows


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = made_by_hand.report()
    whole["findings"] = [{key: row.get(key) for key in whole["findings"][0]} for row in findings()]
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html.render(whole, (ROOT / "roles/report/templates/report.html.j2").read_text()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    words = ("supported", "supported", "conditional", "unsupported", "unknown")
    made: Any = None
    for number, word in enumerate(words):
        made = fleet.merged(made, "r", ["z"], fleet.row(made_by_hand.report(f"cluster-{number}", word)))
    (folder / "cluster-0").mkdir()
    (folder / "cluster-0" / "report.html").write_text("<title>drilled down</title>")
    (folder / "fleet.html").write_text(html.render_fleet(made, made_by_hand.TEMPLATE), encoding="utf-8")
    return folder / "fleet.html"


def test_filters_of_a_report(page: Page, report: Path):
    page.open(report, SCREEN)
    rows = "#finding-rows tr[class]"
    assert page.visible(rows) == 17
    for status, left in (("pass", 12), ("unknown", 8), ("warn", 4)):
        page.click(f"#f-{status}")
        assert page.visible(rows) == left
    page.click("#f-pd_disaggregation")
    assert page.visible(rows) == 3
    page.click("#f-warn")
    assert page.visible(rows) == 7
    page.click("#f-inference_scheduling")
    assert page.visible(rows) == 6 and page.console == []


def test_filters_of_a_fleet(page: Page, table: Path):
    page.open(table, SCREEN)
    rows = "#clusters tr[class]"
    assert page.visible(rows) == 6
    page.click("#v-supported")
    assert page.visible(rows) == 4
    page.click("#v-none")
    assert page.visible(rows) == 3
    page.click("#v-supported")
    page.click("#clusters a")
    page.wait("document.title === 'drilled down'")
    assert page.console == []


@pytest.mark.parametrize(("name", "size"), [("screen", SCREEN), ("phone", PHONE)])
@pytest.mark.parametrize("kind", ["report", "table"])
def test_readable(page: Page, report: Path, table: Path, kind: str, name: str, size: tuple[int, int]):
    page.open({"report": report, "table": table}[kind], size)
    page.assert_readable(size[0])
    page.screenshot(f"{kind}-{name}")
    assert page.console == [] and (SHOTS / f"{kind}-{name}.png").stat().st_size > 5000


def test_a_page_that_is_not_right_is_seen(page: Page, tmp_path: Path):
    bad = tmp_path / "bad.html"
    bad.write_text("<p style='width:3000px;font-size:5px'>x<script>console.error('x')</script>")
    page.open(bad, SCREEN)
    with pytest.raises(AssertionError):
        page.assert_readable(SCREEN[0])
    assert page.console
    page.console.clear()
