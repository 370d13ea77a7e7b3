"""A JupyterLab server, and one notebook of it in a browser."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from places.programs import running, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the tests may run as root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1300,1500",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_LOOPBACK = "127.0.0.1"

# The darkest fact about a theme: text in the colour of what lies behind it. Each piece of text against the first
# background below it that is not transparent, by the contrast ratio of WCAG 2.
_CONTRASTS = """
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
function rgba(css) {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
}
function light(css, under) {
    canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
    const pixel = [...canvas.getImageData(0, 0, 1, 1).data].map(v => v / 255);
    const [r, g, b] = pixel.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function behind(element) {
    for (let e = element; e; e = e.parentElement) {
        const colour = getComputedStyle(e).backgroundColor;
        if (rgba(colour)[3] > 200) return colour;
    }
    return 'white';
}
const found = [];
const walker = document.createTreeWalker(arguments[0], NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.getClientRects().length || element.closest('style, script, .jp-OutputPrompt')) continue;
    const style = getComputedStyle(element), under = behind(element);
    const [a, b] = [light(element instanceof SVGElement ? style.fill : style.color, under), light(under, under)];
    found.push([text, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
}
return found;
"""

_DRAWN = """
const within = e => [...e.querySelectorAll('*')].flatMap(x => [x, ...(x.shadowRoot ? within(x.shadowRoot) : [])]);
return within(arguments[0]).filter(e => e.matches('svg, canvas, img')).filter(e => e.clientWidth > 80).map(e => {
    if (e instanceof SVGElement) return e.querySelectorAll('path, rect, line, circle').length > 3;
    if (e instanceof HTMLImageElement) return e.naturalWidth > 80;
    const pixels = new Uint32Array(e.getContext('2d').getImageData(0, 0, e.width, e.height).data.buffer);
    return new Set(pixels).size > 3;
});
"""
_IDLE = """
const kernel = window.jupyterapp?.shell.currentWidget?.context?.sessionContext.session?.kernel;
return kernel?.connectionStatus === 'connected' && kernel.status === 'idle'
    && window.jupyterapp.shell.currentWidget.content.widgets.length > 0;
"""
_OUTPUT = """
const cells = window.jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code');
return cells[arguments[0]].outputArea.node;
"""
_SHUT = "return window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()"
_EDITOR = _OUTPUT.replace("outputArea", "editorWidget")
_PRESS = "return window.jupyterapp.commands.execute(arguments[0], arguments[1]).then(() => true)"
_CELLS = """
const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
return [...Array(cells.length).keys()].map(i => cells.get(i)).filter(c => c.type === 'code').map(c => ({
    source: c.sharedModel.getSource(), count: c.executionCount, outputs: c.outputs.toJSON()
}));
"""


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[webdriver.Chrome]:
    """Start Chromium without a window, a history and an internet."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = Service(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


def strangers(driver: webdriver.Chrome) -> list[str]:
    """Give the addresses outside this machine that pages asked for since the last call."""
    log: Any = driver.get_log  # selenium has no types for it
    messages = [json.loads(entry["message"])["message"] for entry in log("performance")]
    sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    split = [(urlsplit(url), url) for url in sent]
    return [url for parts, url in split if parts.scheme.startswith(("http", "ws")) and parts.hostname != _LOOPBACK]


def drawn(driver: webdriver.Chrome, element: WebElement) -> list[bool]:
    """Tell of each picture within an element whether there is something on it: an SVG, a canvas, an image."""
    pictures: list[bool] = driver.execute_script(_DRAWN, element)
    return pictures


def contrasts(driver: webdriver.Chrome, element: WebElement) -> dict[str, float]:
    """Give the least contrast of each text within an element, of 1 (unreadable) to 21."""
    found: dict[str, float] = {}
    for text, ratio in driver.execute_script(_CONTRASTS, element):
        found[text] = min(ratio, found.get(text, ratio))
    return found


@dataclass(frozen=True)
class Lab:
    """A running server.

    Attributes:
        folder: Where its notebooks lie.
        settings: Where its user's settings lie.
        url: Its address.
        token: Its password.
    """

    folder: Path
    settings: Path
    url: str
    token: str

    def configure(self, plugin: str, values: dict[str, Any]) -> None:
        """Set what the settings editor sets."""
        path = self.settings / "@jupyterlab" / "apputils-extension" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


@contextlib.contextmanager
def jupyterlab(home: Path, env: dict[str, str]) -> Iterator[Lab]:
    """Start a JupyterLab on a free port of this machine alone."""
    folder, settings = home / "notebooks", home / "settings"
    folder.mkdir(parents=True)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"),
        *(f"--ServerApp.ip={_LOOPBACK}", "--ServerApp.port=0", f"--ServerApp.root_dir={folder}"),
        *(f"--LabApp.user_settings_dir={settings}", f"--LabApp.workspaces_dir={home / 'workspaces'}"),
        "--LabApp.extension_manager=readonly",  # the other one asks a server for its catalogue
    ]
    with running(command, env=env, cwd=home, log=home / "lab.log") as process:
        info = until(lambda: _info(home, process), "JupyterLab to start", seconds=60)
        lab = Lab(folder, settings, info["url"], info["token"])
        lab.configure("notification", {"fetchNews": "false", "checkForUpdates": False})
        yield lab


def _info(home: Path, process: subprocess.Popen[bytes]) -> dict[str, str] | None:
    assert process.poll() is None, (home / "lab.log").read_text()
    for path in (home / "runtime").glob("jpserver-*.json"):
        with contextlib.suppress(ValueError):  # half written
            info: dict[str, str] = json.loads(path.read_text())
            return info
    return None


class Page:
    """A notebook in the browser.

    Args:
        driver: The browser.
        lab: The server.
        notebook: The file's name.
    """

    def __init__(self, driver: webdriver.Chrome, lab: Lab, notebook: str) -> None:
        self.driver = driver
        name = notebook.removesuffix(".ipynb")
        driver.get(f"{lab.url}lab/workspaces/{name}/tree/{notebook}?token={lab.token}&reset")
        self.click(".lm-DockPanel-tabBar .lm-TabBar-tab.lm-mod-current")  # a window without a screen has no focus
        self.idle()

    def find(self, selector: str) -> list[WebElement]:
        """Give what matches and can be seen."""
        return [element for element in self.driver.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]

    def click(self, selector: str) -> None:
        """Click on the one thing that matches."""
        until(lambda: self.find(selector), selector)[0].click()

    def idle(self) -> None:
        """Wait until the kernel is connected and has nothing to do."""
        until(lambda: self.driver.execute_script(_IDLE), "the kernel to be idle")

    def run_all(self) -> None:
        """Choose Run All Cells in the menu."""
        menu = until(lambda: [e for e in self.find(".lm-MenuBar-item") if e.text == "Run"], "the menu Run")
        menu[0].click()
        self.click(".lm-Menu-item[data-command='runmenu:run-all']")

    def finished(self, *, seconds: float = 90) -> list[dict[str, Any]]:
        """Wait until every cell has run, or one has failed; give the cells."""
        until(lambda: _over(self.cells()), "the cells to have run", seconds=seconds)
        self.idle()
        return self.cells()

    def cells(self) -> list[dict[str, Any]]:
        """Give the code cells: source, count, outputs."""
        cells: list[dict[str, Any]] = self.driver.execute_script(_CELLS)
        return cells

    def output(self, number: int) -> WebElement:
        """Scroll to what a code cell has put out, counted from 0, and give it."""
        area: WebElement = self.driver.execute_script(_OUTPUT, number)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", area)
        return area

    def run(self, number: int) -> None:
        """Click into a code cell, counted from 0, run it by Shift+Enter, and wait for what it puts out."""
        cell: WebElement = self.driver.execute_script(_EDITOR, number)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", cell)
        cell.click()
        webdriver.ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
        until(lambda: self.cells()[number]["outputs"], f"cell {number} to run")
        self.idle()

    def press(self, command: str, **arguments: Any) -> None:
        """Do what an entry of the menu does."""
        self.driver.execute_script(_PRESS, command, arguments)

    def close(self) -> None:
        """Stop the kernel and leave: kernels that wait take time from those that work."""
        self.driver.execute_script(_SHUT)
        self.driver.get("about:blank")

    def wear(self, theme: str) -> None:
        """Change the theme while everything is shown."""
        self.press("apputils:change-theme", theme=theme)
        light = str(theme == LIGHT).lower()
        until(lambda: self.find(f"body[data-jp-theme-light={light}]"), theme)


def _over(cells: list[dict[str, Any]]) -> bool:
    failed = any(output["output_type"] == "error" for cell in cells for output in cell["outputs"])
    return failed or all(cell["count"] is not None for cell in cells)
