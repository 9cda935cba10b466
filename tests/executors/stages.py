"""Functions that worker processes find by their names."""

from __future__ import annotations


class OddInit(Exception):
    """An error whose ``__init__`` takes something else than it hands on."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(f"row {row}: {reason}")
        self.row = row


class Holding(Exception):
    """An error that holds what cannot be pickled."""

    def __init__(self, text: str) -> None:
        from threading import Lock

        super().__init__(text)
        self.lock = Lock()
        self.path = "rows.csv"


def add(a: int, b: int = 0) -> int:
    return a + b
