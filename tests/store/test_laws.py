"""Whatever is done to a store, it is a dict that outlives its process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pypedream.store import CacheStore

KEYS = st.sampled_from(["a", "A", "a/b", "ü"])
VALUES = st.sampled_from(["", "x", "x" * 9000, "y" * 9000, "x" * 9001])


class StoreAndDict(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "store")
        self.model: dict[str, str] = {}
        self.reopen()

    def teardown(self) -> None:
        self.store.close()
        self.skipping.close()
        self.folder.cleanup()

    @rule()
    def reopen(self) -> None:
        ignore = {"on_corrupt": lambda *_: None}
        self.store = CacheStore(self.path, on_duplicate_key="overwrite", **ignore)
        self.skipping = CacheStore(self.path, **ignore)

    @rule(key=KEYS, value=VALUES)
    def put(self, key: str, value: str) -> None:
        assert self.store.put(key, value) == value
        self.model[key] = value

    @rule(key=KEYS, value=VALUES)
    def put_unless_there(self, key: str, value: str) -> None:
        assert self.skipping.put(key, value) == self.model.setdefault(key, value)

    @rule(key=KEYS, value=VALUES)
    def once(self, key: str, value: str) -> None:
        assert self.skipping.once(key, lambda: value) == self.model.setdefault(key, value)

    @rule(keys=st.lists(KEYS), value=VALUES)
    def batch(self, keys: list[str], value: str) -> None:
        with self.store.batch():
            for key in keys:
                self.put(key, value)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        assert (self.model.pop(key, None) is not None) == (key in self.store)
        if key in self.store:
            del self.store[key]

    @rule(key=KEYS)
    def lose_the_content(self, key: str) -> None:
        """Who has it in memory still reads it; whoever opens the store does not."""
        entry = self.store.backend.find(key)
        if entry is not None and entry.inline is None:
            self.store.backend.blob(entry).unlink()
            lost = self.model[key]
            self.reopen()
            for name in [name for name, value in self.model.items() if value == lost]:
                assert self.store.look(name, None, None) is None
                del self.model[name]

    @rule(count=st.integers(0, 3))
    def clean_up(self, count: int) -> None:
        for key in self.store.gc(keep_last=count).keys:
            del self.model[key]
        assert len(self.model) <= count

    @invariant()
    def it_is_the_dict(self) -> None:
        assert self.store.keys() == sorted(self.model)
        assert {key: self.skipping[key] for key in self.skipping} == self.model
        blobs = {value for value in self.model.values() if len(value) > 8192}
        assert len(list(self.path.glob("blobs/*/*"))) == len(blobs)
        assert list(self.path.glob("staging/*/*")) == []


StoreAndDict.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestStoreAndDict = StoreAndDict.TestCase
