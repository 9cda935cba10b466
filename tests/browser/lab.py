"""A JupyterLab server, a browser without a window, and the notebooks that are opened in them.

Nothing here waits for a time to pass: `wait_for` asks again and again until something is so. What
is asked is answered by a script in the page, because a live view replaces its elements while one
holds them.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from textwrap import dedent
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pypedream

PACKAGE = str(Path(pypedream.__file__).parents[1])
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MODULES = ("jupyterlab", "nbconvert", "selenium", "ipywidgets")
LONGEST_S = 60.0
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"

SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none", "autoStartDefaultKernel": True},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "apputils-extension/themes": {"theme": LIGHT},
}

PANEL = "const panel = window.jupyterapp?.shell?.currentWidget;"
IS_OPEN = """
    return panel?.context?.path === arguments[0] && panel.context.isReady
        && panel.content.widgets.every(cell => cell.isVisible)
        && panel.sessionContext?.session?.kernel?.status === 'idle';
"""
# Outputs are rendered some time after their cell has ended.
IS_SHOWN = """
    return panel.content.widgets.every(cell => {
        const shown = [...cell.node.querySelectorAll('.jp-OutputArea-output')];
        return shown.length === (cell.model.outputs?.length ?? 0)
            && shown.every(output => output.innerHTML !== '');
    });
"""
RUN = """
    const done = arguments[0];
    window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => done(), done);
"""
RUN_ONE = """
    const done = arguments[1];
    panel.content.activeCellIndex = arguments[0];
    window.jupyterapp.commands.execute('notebook:run-cell').then(() => done(), done);
"""
STOP = """
    const done = arguments[0];
    panel.sessionContext.session.kernel.interrupt().then(() => done(), done);
"""
IS_IDLE = """
    return panel.sessionContext.session.kernel.status === 'idle'
        && panel.content.widgets.every(cell => cell.model.executionState !== 'running')
        && panel.content.widgets.every(cell => cell.node.querySelector(
            '.jp-InputPrompt').textContent !== '[*]:');
"""
SAVE = """
    const done = arguments[0];
    panel.context.save().then(() => done(), done);
"""
QUIT = """
    const done = arguments[0];
    panel.sessionContext.shutdown().then(() => done(), done);
"""
THEME = """
    const done = arguments[1];
    window.jupyterapp.commands.execute('apputils:change-theme', {theme: arguments[0]})
        .then(() => done(), done);
"""


def missing() -> str:
    """Return what the suite needs and this machine lacks, with the commands; empty for nothing."""
    modules = [name for name in MODULES if find_spec(name) is None]
    programs = [
        kind
        for kind, names in {"Chromium": BROWSERS, "its driver": ("chromedriver",)}.items()
        if not any(map(shutil.which, names))
    ]
    ways = [
        *['python -m pip install -e ".[dev,browser]"'] * bool(modules),
        *["sudo apt-get install chromium chromium-driver fonts-dejavu-core"] * bool(programs),
    ]
    found = ", ".join([*modules, *programs])
    return f"tests in a browser need {found}: {' && '.join(ways)}" if found else ""


def wait_for(probe: Callable[[], Any], what: str, timeout_s: float = LONGEST_S) -> Any:
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + timeout_s
    while not (answer := probe()):
        assert time.monotonic() < end, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(0.05)
    return answer


def write_notebook(path: Path, cells: Sequence[str], *, may_fail: Sequence[int] = ()) -> Path:
    """Write a notebook of code cells.

    Parameters
    ----------
    may_fail
        Positions of cells whose error does not keep the next ones from running.
    """
    import nbformat

    made = [nbformat.v4.new_code_cell(dedent(cell).strip()) for cell in cells]
    for place in may_fail:
        made[place].metadata["tags"] = ["raises-exception"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel})
    nbformat.write(notebook, path)
    return path


class Server:
    """JupyterLab on a port of its own; its settings, its trust and its files are in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "notebooks"
        self.folder.mkdir()
        self._log = folder / "server.log"
        self.environment = _environment(folder)
        _write_settings(folder / "config" / "lab" / "user-settings" / "@jupyterlab")
        self._token, self._port = token_hex(12), _free_port()
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            f"--port={self._port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self._token}",
            f"--ServerApp.root_dir={self.folder}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.extension_manager=readonly",
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self.environment, cwd=self.folder, stdout=log, stderr=log
            )
        wait_for(self._is_up, "JupyterLab")

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self._log.read_text(encoding="utf-8")
        try:
            with urlopen(self.url("api"), timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, TimeoutError):
            return False

    def url(self, place: str) -> str:
        """Return the address of a place of the server."""
        return f"http://127.0.0.1:{self._port}/{place}?token={self._token}&reset"

    def stop(self) -> None:
        """End the server and its kernels."""
        self._process.terminate()
        self._process.wait(timeout=60)


def _environment(folder: Path) -> dict[str, str]:
    own = {
        f"JUPYTER_{kind.upper()}_DIR": str(folder / kind) for kind in ("config", "data", "runtime")
    }
    path = os.pathsep.join(filter(None, [PACKAGE, os.environ.get("PYTHONPATH")]))
    own |= {"IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": path}
    # With that variable a kernel leaves descriptors to pytest.
    others = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return {**others, **own}


def _write_settings(folder: Path) -> None:
    for name, settings in SETTINGS.items():
        path = folder / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings), encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_browser() -> Any:
    """Start Chromium without a window, through Selenium; it downloads nothing."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
    for argument in (
        *("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu"),
        *("window-size=1200,1400", "force-device-scale-factor=1"),
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=ChromeService(shutil.which("chromedriver")))
    driver.set_script_timeout(LONGEST_S)
    return driver


class Page:
    """What the browser shows."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def ask(self, script: str, *arguments: Any) -> Any:
        """Return the answer of a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str, within: Any = None) -> list[Any]:
        """Return the elements of a CSS selector, in the order of the page."""
        return list((within or self.driver).find_elements("css selector", selector))


class File(Page):
    """A file that the browser shows without any network."""

    def __init__(self, driver: Any, path: Path) -> None:
        super().__init__(driver)
        driver.execute_cdp_cmd("Network.enable", {})
        self._cut(is_cut=True)
        driver.get(path.as_uri())

    def _cut(self, *, is_cut: bool) -> None:
        facts = {"offline": is_cut, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", facts)

    def close(self) -> None:
        """Give the network back."""
        self._cut(is_cut=False)
        self.driver.get("about:blank")


class Notebook(Page):
    """A notebook that is open in JupyterLab, with a kernel of its own."""

    def __init__(self, driver: Any, server: Server, path: Path) -> None:
        super().__init__(driver)
        self.path = path
        is_there = self.ask("return 'jupyterapp' in window;")
        assert not is_there, "another notebook is open; the browser shows one at a time"
        driver.get(server.url(f"lab/tree/{path.name}"))
        wait_for(lambda: self.ask_panel(IS_OPEN, path.name), f"{path.name} to open")
        self.wait_until_shown()

    def ask_panel(self, script: str, *arguments: Any) -> Any:
        """Return the answer of a script to which ``panel`` is the notebook."""
        return self.ask(PANEL + script, *arguments)

    def do(self, script: str, *arguments: Any) -> None:
        """Let a script of the page come to its end."""
        assert self.driver.execute_async_script(PANEL + script, *arguments) is None

    def run(self) -> None:
        """Run all cells, to the end, until all they gave is shown."""
        self.do(RUN)
        self.wait_until_shown()

    def wait_until_shown(self) -> None:
        """Wait until there is something to be seen of each output."""
        wait_for(lambda: self.ask_panel(IS_SHOWN), "the outputs")

    def run_cells(self, *places: int) -> None:
        """Run some cells, one after the other."""
        for place in places:
            self.do(RUN_ONE, place)
        self.wait_until_shown()

    def start(self) -> None:
        """Run all cells, and return at once."""
        self.ask("window.jupyterapp.commands.execute('notebook:run-all-cells');")

    def set_theme(self, name: str) -> None:
        """Choose JupyterLab's theme."""
        self.do(THEME, name)
        is_set = "return document.body.dataset.jpThemeName === arguments[0];"
        wait_for(lambda: self.ask(is_set, name), f"the theme {name}")

    def cell(self, place: int) -> Any:
        """Return the element of a cell."""
        return self.ask_panel("return panel.content.widgets[arguments[0]].node;", place)

    def outputs(self, place: int) -> list[Any]:
        """Return the elements of what a cell shows."""
        return self.find(".jp-OutputArea-output", self.cell(place))

    def view(self, place: int) -> Any:
        """Return the element of the one view that a cell shows."""
        [output] = [one for one in self.outputs(place) if self.find("div[class^=pd-]", one)]
        return self.find("div[class^=pd-]", output)[0]

    def save(self) -> Any:
        """Save the notebook and return what is now in its file."""
        import nbformat

        self.do(SAVE)
        return nbformat.read(self.path, as_version=4)

    def interrupt(self) -> None:
        """Press the stop button."""
        self.do(STOP)

    def wait_until_idle(self) -> None:
        """Wait until no cell is running any more."""
        wait_for(lambda: self.ask_panel(IS_IDLE), "the cells to end")
        self.wait_until_shown()

    def close(self) -> None:
        """Save the notebook, end its kernel and leave it."""
        self.do(SAVE)
        self.do(QUIT)
        self.driver.get("about:blank")
