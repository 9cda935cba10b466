"""When a record was made, as text: the same milliseconds are formatted once for all of them."""

from __future__ import annotations

from time import gmtime

__all__ = ["DIGITS", "Moments", "local_time"]

DIGITS = [f"{number:03d}" for number in range(1000)]

# Between two times in us after the run's start the milliseconds of `ts` and of `dt` stay the same:
# (first, past the last, text of ts, its time, text of dt, its time).
Window = tuple[int, int, str, int, str, int]


class Moments:
    """The times of one log: on the wall, and since its start.

    Attributes
    ----------
    start_ns, start_wall_ns
        When the log started, by the clock of the records and by the one on the wall.
    window
        The milliseconds of the record that was looked at last.
    """

    __slots__ = ("_second", "start_ns", "start_wall_ns", "window")

    def __init__(self, start_ns: int, start_wall_ns: int) -> None:
        self.start_ns = start_ns
        self.start_wall_ns = start_wall_ns
        self.window: Window = (0, 0, "", 0, "", 0)
        self._second = (-1, "")

    def window_at(self, us: int) -> Window:
        """Return the milliseconds that hold at *us* after the start, and how long they hold."""
        start_us = self.start_wall_ns // 1000
        since, wall = us // 1000, (start_us + us) // 1000
        since_us, wall_us = since * 1000, wall * 1000 - start_us
        second, wall_ms = divmod(wall, 1000)
        if self._second[0] != second:
            self._second = (second, _utc(second))
        self.window = (
            max(since_us, wall_us),
            min(since_us, wall_us) + 1000,
            f"{self._second[1]}.{DIGITS[wall_ms]}",
            wall_us,
            f"{since // 1000}.{DIGITS[since % 1000]}",
            since_us,
        )
        return self.window


def local_time(utc: str) -> str:
    """Return a time of a record as a clock on this wall would show it."""
    from datetime import datetime

    try:
        return f"{datetime.fromisoformat(utc).astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):  # nobody knows who wrote the record
        return utc


def _utc(second: int) -> str:
    year, month, day, hour, minute, rest = gmtime(second)[:6]
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{rest:02d}"
