"""Nothing that belongs to the process is changed, whatever becomes of a run."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SNAPSHOT = """
    import gc, locale, logging, os, random, signal, sys, threading, warnings
    from concurrent.futures import ThreadPoolExecutor


    def wakeup():
        present = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(present)
        return present


    def snapshot():
        import structlog

        return {
            "stdout": id(sys.stdout), "stderr": id(sys.stderr), "stdin": id(sys.stdin),
            "displayhook": id(sys.displayhook), "excepthook": id(sys.excepthook),
            "breakpointhook": id(sys.breakpointhook), "thread excepthook": id(threading.excepthook),
            "root handlers": [id(one) for one in logging.getLogger().handlers],
            "root level": logging.root.level, "disabled": logging.root.manager.disable,
            "callHandlers": id(logging.Logger.callHandlers),
            "record factory": id(logging.getLogRecordFactory()),
            "logger class": logging.getLoggerClass(),
            "showwarning": id(warnings.showwarning), "filters": list(warnings.filters),
            "thread start": id(threading.Thread.start), "thread run": id(threading.Thread.run),
            "submit": id(ThreadPoolExecutor.submit), "trace": sys.gettrace(),
            "structlog": (structlog.is_configured(), structlog.get_config()["processors"]),
            "signals": {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)},
            "wakeup": wakeup(),
            "cwd": os.getcwd(), "environ": dict(os.environ), "path": list(sys.path),
            "umask": (os.umask(0o22), os.umask(0o22))[1], "random": random.getstate(),
            "locale": locale.setlocale(locale.LC_ALL), "recursion": sys.getrecursionlimit(),
            "switch": sys.getswitchinterval(),
            "threads": [one.name for one in threading.enumerate()],
            "files": sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else [],
            "folder": sorted(os.listdir(".")), "print": id(print), "input": id(input),
        }


    def report(before):
        after = snapshot()
        changed = [name for name in before if before[name] != after[name]]
        print("changed:", changed)
"""

PIPELINE = """
    import time
    from pypedream import Parameters, Pipeline, logger

    def flow_for(**options):
        flow = Pipeline("trace", Parameters.define(b=1), **options)

        @flow.stage
        def talk(b):
            print("printed", b)
            logging.getLogger("lib").info("logged")
            logger.info("structured", b=b)
            warnings.warn("warned", stacklevel=1)
            worker = threading.Thread(target=print, args=("from a thread",))
            worker.start()
            worker.join()
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(print, range(3)))

        @flow.stage
        def divide(talk, b):
            return 1 / b

        @flow.stage
        async def wait(b):
            return b

        return flow
"""

ENDINGS = {
    "import": "import pypedream",
    "ok": "flow_for().run()",
    "threads": "flow_for().run(executor='threads')",
    "quiet": "flow_for().run(progress=False, capture=False)",
    "failed": """
        try:
            flow_for().run(b=0)
        except ZeroDivisionError:
            pass
    """,
    "cannot run": """
        try:
            flow_for().run(nothing=0)
        except ValueError:
            pass
    """,
    "interrupted": """
        flow = flow_for()
        flow.stage(lambda: signal.raise_signal(signal.SIGINT), name="interrupt")
        try:
            flow.run()
        except KeyboardInterrupt:
            pass
    """,
    "asynchronous": """
        import asyncio
        asyncio.run(flow_for().arun())
    """,
    "overlapping": """
        flow = flow_for()
        def run():
            flow.run()
        workers = [threading.Thread(target=run) for _ in range(20)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    """,
    "nested": """
        outer = Pipeline("outer")
        outer.stage(lambda: flow_for().run()["divide"], name="inner")
        outer.run()
    """,
}


@pytest.mark.skipif(sys.platform == "win32", reason="the snapshot reads POSIX facts")
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_process_is_as_it_was(ending: str, tmp_path: Path) -> None:
    """Thirty facts about the process are the same before and after, for every ending."""
    warm_up = "" if ending == "import" else "import asyncio; asyncio.run(asyncio.sleep(0))\n"
    code = "\n".join(
        [
            textwrap.dedent(SNAPSHOT),
            "" if ending == "import" else textwrap.dedent(PIPELINE),
            warm_up + "before = snapshot()",
            textwrap.dedent(ENDINGS[ending]),
            "report(before)",
        ]
    )
    script = tmp_path / "script.py"
    script.write_text(code, encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()

    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=empty,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "changed: []"
    assert list(empty.iterdir()) == []


def test_many_runs_leave_no_descriptors_threads_or_handlers() -> None:
    """A few hundred runs in one process leave as many descriptors and threads as one did."""
    code = """
        import gc, logging, os, threading
        from pypedream import Pipeline

        flow = Pipeline("soak", progress=False)
        flow.stage(lambda: print("line"), name="talk")

        def counts():
            gc.collect()
            descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
            return descriptors, threading.active_count(), len(logging.getLogger().handlers)

        for executor in ("serial", "threads"):
            flow.run(executor=executor)
        before = counts()
        for number in range(300):
            flow.run(executor=("serial", "threads")[number % 2])
        print(counts() == before)
    """

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert done.stdout == "True\n"
