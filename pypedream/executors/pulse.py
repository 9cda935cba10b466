"""A beat that keeps the log of a worker going while one call takes long."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

from pypedream.executors.remote_log import PERIOD_S

if TYPE_CHECKING:
    from pypedream.executors.remote_log import RemoteLog
    from pypedream.executors.taps import Taps

__all__ = ["Pulse"]

IDLE_ROUNDS = 10


class Pulse:
    """A thread that looks after the log while a call takes long; it sleeps between jobs."""

    def __init__(self, taps: Taps) -> None:
        self._taps = taps
        self._log: RemoteLog | None = None
        self._wanted = Event()
        Thread(target=self._beat, name="pypedream-pulse", daemon=True).start()

    def start(self, log: RemoteLog) -> None:
        """Look after *log* from now on."""
        self._log = log
        if not self._wanted.is_set():
            self._wanted.set()

    def stop(self) -> None:
        """Leave the log alone."""
        self._log = None

    def _beat(self) -> None:
        idle = 0
        never = Event()
        while True:
            if idle > IDLE_ROUNDS:
                self._wanted.clear()
                if self._log is None:
                    self._wanted.wait()
                idle = 0
            never.wait(PERIOD_S)
            log = self._log
            idle = idle + 1 if log is None else 0
            if log is not None:
                while not self._taps.look():
                    log.deliver()
                log.deliver_unfinished()
