"""How the tests run, whatever they test."""

from __future__ import annotations

import errno
import os
import signal

import pytest
from hypothesis import settings

# What a shell starts in the background is deaf to Ctrl-C, and so are all processes that it starts:
# jobs that a test cancels would go on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A check of a change tries the same examples each time; a person's machine looks for new ones.
# No example has a deadline: a busy machine is no fault of the code.
settings.register_profile("person", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "person")


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has no locks, as some that other machines have."""
    fcntl = pytest.importorskip("fcntl", reason="locks of POSIX")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
