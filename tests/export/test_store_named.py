"""The name of a store is looked at before a file names it."""

from __future__ import annotations

import pytest

from pypedream.export.store_named import problems_of_store

GOOD = ("", "kept", "/data/kept", "file:///data/kept", "s3://bucket/co2", "s3://me@bucket/co2")
PASSWORDS = ("s3://me:pass@bucket/co2", "simplecache::ftp://me:pass@host/co2")


@pytest.mark.parametrize("store", GOOD)
def test_a_store_that_may_be_one_is_taken(store):
    """Whether it is there is found out when a task needs it."""
    assert list(problems_of_store(store)) == []


@pytest.mark.parametrize("store", PASSWORDS)
def test_a_password_is_not_written(store):
    """Neither in the file nor in the message."""
    (problem,) = map(str, problems_of_store(store))

    assert "has a password, which others could read in the file: set PYPEDREAM_STORE" in problem
    assert "pass@" not in problem


def test_a_protocol_that_does_not_exist_is_told():
    """With the nearest one."""
    pytest.importorskip("fsspec")

    (problem,) = map(str, problems_of_store("gss://bucket/co2"))

    assert problem.startswith('there is no store "gss://"; did you mean "gs"?')
