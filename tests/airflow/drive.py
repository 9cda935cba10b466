"""Airflow itself, with scheduler and server: DAGs are triggered by REST and waited for.

    python drive.py < jobs.json > report.json

Nothing but the standard library is imported, so that any interpreter will do; with ``--alone`` the
process first takes itself away from all networks but the loopback. What came of the runs is in the
database and in the logs of the tasks.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

LONGEST_S = 700.0  # of all together: who waits for this process waits longer
STARTED = time.monotonic()
PASSWORD = "standalone_admin_password.txt"
DONE = ("success", "failed")


def free_ports(count: int) -> list[str]:
    """Return ports that nobody listens on."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class Server:
    """One ``airflow standalone`` and its REST interface; lives until `stop`."""

    def __init__(self, python: str, *, is_three: bool) -> None:
        port, logs, triggers = free_ports(3)
        address = f"http://localhost:{port}"
        self._is_three = is_three
        self._base = f"{address}/api/v2" if is_three else f"{address}/api/v1"
        self._address = address
        own = {
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
            "AIRFLOW__API__PORT": port,
            "AIRFLOW__API__BASE_URL": address,
            "AIRFLOW__API__AUTH_BACKENDS": "airflow.api.auth.backend.basic_auth",
            "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": port,
            "AIRFLOW__WEBSERVER__WORKERS": "1",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": logs,
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": triggers,
            "AIRFLOW__TRIGGERER__DEFAULT_CAPACITY": "10",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        }
        bin_ = Path(python).parent
        self._process = subprocess.Popen(
            [python, "-m", "airflow", "standalone"],
            env={**os.environ, **own, "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"},
            stdout=sys.stderr,
            stderr=sys.stderr,
            start_new_session=True,
        )
        self._token = ""

    def stop(self) -> None:
        """End it and all processes that it started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def ask(self, path: str, given: Any = None) -> tuple[int, Any]:
        """Return the status and the answer to a request: a POST if something is given."""
        body = None if given is None else json.dumps(given).encode()
        headers = {"Content-Type": "application/json", "Authorization": self._authorization()}
        try:
            with urlopen(Request(self._base + path, body, headers), timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, error.read().decode()

    def wait(self, dag_ids: set[str]) -> None:
        """Wait until the DAGs are known."""
        known: set[str] = set()

        def is_ready() -> bool:
            try:
                _, answer = self.ask("/dags?limit=200")
            except (URLError, OSError):
                return False
            if isinstance(answer, dict):
                known.update(dag["dag_id"] for dag in answer["dags"])
            return dag_ids <= known

        until(is_ready, lambda: f"DAG of {sorted(dag_ids - known)}")

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> tuple[int, Any]:
        """Start a run of a DAG."""
        given = {"conf": conf, **({"logical_date": None} if self._is_three else {})}
        return self.ask(f"/dags/{dag_id}/dagRuns", given)

    def state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        _, answer = self.ask(f"/dags/{dag_id}/dagRuns/{run_id.replace('+', '%2B')}")
        return str(answer["state"])

    def _authorization(self) -> str:
        if not self._is_three:
            password = (Path(os.environ["AIRFLOW_HOME"]) / PASSWORD).read_text()
            return "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()
        if not self._token:
            with urlopen(f"{self._address}/auth/token", timeout=30) as answer:
                self._token = json.load(answer)["access_token"]
        return f"Bearer {self._token}"


def until(probe: Any, what: Any) -> None:
    """Wait until something is so, or the time is over."""
    while not probe():
        if time.monotonic() > STARTED + LONGEST_S:
            raise TimeoutError(f"after {LONGEST_S:.0f} s there is no {what()}")
        time.sleep(0.5)


def be_alone() -> None:
    """Start again without any network but the loopback."""
    command = 'ip link set lo up && exec "$0" "$@"'
    own = [each for each in sys.argv if each != "--alone"]
    os.execvp("unshare", ["unshare", "-n", "sh", "-c", command, sys.executable, *own])


def main() -> None:
    """Start Airflow, trigger the jobs of standard input and say what came of each."""
    if "--alone" in sys.argv:
        be_alone()
    import importlib.util

    jobs = json.load(sys.stdin)
    is_three = importlib.util.find_spec("airflow.sdk") is not None
    server = Server(sys.executable, is_three=is_three)
    report = []
    try:
        server.wait({job["dag_id"] for job in jobs})
        for job in jobs:
            status, answer = server.trigger(job["dag_id"], job["conf"])
            run_id = answer["dag_run_id"] if status == 200 else ""
            text = "" if run_id else str(answer)
            report.append({**job, "status": status, "run_id": run_id, "answer": text})
        open_ = [job for job in report if job["run_id"]]
        for job in open_:
            states: list[str] = []

            def has_ended(job: Any = job, states: list[str] = states) -> bool:
                states[:] = [server.state(job["dag_id"], job["run_id"])]
                return states[0] in DONE

            until(has_ended, lambda job=job: f"end of {job['dag_id']}")
            job["ended"] = states[0]
    finally:
        server.stop()
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
