"""Whether what was named as the store between tasks can be one, before a task needs it."""

from __future__ import annotations

import os
import re
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from pypedream.engine.problem import Problem
from pypedream.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_FOLDERS: Final = ("file", "local")
_SHARED: Final = "give the URL of a store that all of them reach, such as s3://bucket/co2"


def problems_of_store(store: str) -> Iterator[Problem]:
    """Yield why a store cannot be named in a file, or cannot be one.

    Examples
    --------
    >>> [str(each) for each in problems_of_store("s3://me:pw@bucket/co2")]
    ['the store s3://...@bucket/co2 has a password, which others could read in the file: set \
PYPEDREAM_STORE where the tasks run']
    """
    if re.search(r"://[^/@]*:[^/@]*@", store):
        yield Problem(
            f"the store {without_password(store)} has a password, which others could read in the"
            " file",
            None,
            "set PYPEDREAM_STORE where the tasks run",
        )
    scheme, colon, _ = store.partition("://")
    known = _protocols() if colon and "::" not in store else ()
    if known and scheme not in known:
        near = did_you_mean(scheme, known)
        yield Problem(f'there is no store "{scheme}://"{near}', None, _SHARED)


def warnings_of_store(store: str) -> Iterator[Problem]:
    """Yield what is to be known of a store that is a folder."""
    scheme, colon, path = store.partition("://")
    if colon and scheme not in _FOLDERS:
        return
    if not os.path.isabs(os.path.expanduser(path if colon else store)):
        yield Problem(
            f"the store {store} is found from the current folder, and that of a task may be any",
            None,
            "give all of its path, or a URL such as s3://bucket/co2",
        )
        return
    yield Problem(
        f"the store {store} is a folder, so all tasks have to run on machines that share it",
        None,
        _SHARED,
    )


def without_password(store: str) -> str:
    """Return a URL as it may be shown."""
    return re.sub(r"(://)[^/@]*@", r"\1...@", store)


def _protocols() -> Collection[str]:
    """Return the schemes of URLs that are known here; () if that cannot be said."""
    if find_spec("fsspec") is None:
        return ()
    found: Collection[str] = import_module("fsspec").available_protocols()
    return found
