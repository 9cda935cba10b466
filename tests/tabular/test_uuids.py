from __future__ import annotations

from uuid import RFC_4122, UUID

from pypedream.tabular.uuids import new_uuids


def test_new_ids_are_random_uuids() -> None:
    """Each is of version 4, written as Python writes it, and no two are alike."""
    found = new_uuids(1_000).to_list()

    assert len(set(found)) == 1_000
    assert all(str(UUID(text)) == text for text in found)
    assert {(UUID(text).version, UUID(text).variant) for text in found} == {(4, RFC_4122)}


def test_no_ids_are_a_series_as_well() -> None:
    """Nothing new is nothing special."""
    assert new_uuids(0).to_list() == []
