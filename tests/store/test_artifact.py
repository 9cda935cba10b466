from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import fields_dict
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.store import Artifact

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_the_fields_are_those_of_the_seed():
    """In this order; only the first two are required."""
    assert list(fields_dict(Artifact)) == [
        "key",
        "serializer",
        "load_kwargs",
        "dump_kwargs",
        "additional_metadata",
        "created_at",
    ]
    assert Artifact("a", "json").load_kwargs == {}


@settings(max_examples=40)
@given(st.text(), st.dictionaries(st.text(), JSON), st.datetimes(timezones=st.just(UTC)))
def test_json_gives_the_artifact_back(key, options, moment):
    """Whatever it holds."""
    artifact = Artifact(key, "json", options, options, options, moment)

    assert Artifact.from_json(artifact.json()) == artifact


def test_the_time_has_a_zone():
    """A time without one is in UTC; one with another is kept."""
    east = datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=2)))

    assert Artifact("a", "json").created_at.tzinfo is UTC
    assert Artifact("a", "json", created_at="2024-01-01T00:00").created_at.tzinfo is UTC
    assert Artifact("a", "json", created_at=east).created_at == east


def test_what_is_set_is_checked():
    """As when an artifact is made."""
    artifact = Artifact("a", "json")

    with pytest.raises(TypeError, match="serializer"):
        artifact.serializer = 1
    with pytest.raises(TypeError, match="load_kwargs"):
        artifact.load_kwargs = [1]
    with pytest.raises(TypeError, match="key"):
        Artifact(1, "json")
