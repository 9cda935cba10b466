"""StoreBlock: a storage block of Prefect 3 that keeps what tasks give in a `CacheStore`.

Prefect writes a result as a record, some bytes of JSON with the pickled value in it. Here the value
itself goes into the store, in the format that its type has there, and the record is made again when
it is asked for. So the store holds tables as tables, which everything else can read, too.

The class is made when it is first asked for, since it is one of Prefect's.
"""

from __future__ import annotations

import json
import sys
from asyncio import to_thread
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pypedream._extras import need

if TYPE_CHECKING:
    from pypedream.store import CacheStore

_RECORD: Final = {"metadata", "result"}
_FACTS: Final = "prefect"


def keep(store: CacheStore, key: str, content: bytes, serializer: str = "auto") -> None:
    """Keep bytes of Prefect's; of a record the value that is in it."""
    from prefect.results import ResultRecord

    if not _is_record(content):
        store.put(key, content)
        return
    record = ResultRecord.deserialize(content)
    facts = json.loads(record.serialize_metadata())
    store.put(key, record.result, serializer, additional_metadata={_FACTS: facts})


def recall(store: CacheStore, key: str) -> bytes:
    """Return what was kept, as Prefect had written it.

    Raises
    ------
    MissingEntry
        If there is none (a KeyError), or it is damaged.
    """
    from prefect.results import ResultRecord, ResultRecordMetadata

    facts = store.get_artifact(key).additional_metadata.get(_FACTS)
    value = store.get(key)
    if facts is None:
        return bytes(value)
    metadata = ResultRecordMetadata.model_validate(facts)
    content: bytes = ResultRecord(metadata=metadata, result=value).serialize()
    return content


def _is_record(content: bytes) -> bool:
    """Say whether these bytes are a record of Prefect's, and not what a record is about."""
    try:
        found = json.loads(content)
    except ValueError:
        return False
    facts = found.get("metadata") if isinstance(found, dict) and found.keys() == _RECORD else None
    return isinstance(facts, dict) and "serializer" in facts


def _block() -> type[Any]:
    """Return the class; Prefect knows it from then on."""
    base: Any = need("prefect.filesystems", extra="prefect", for_="StoreBlock").WritableFileSystem
    from pydantic import Field, PrivateAttr

    class StoreBlock(base):  # type: ignore[misc] # known when it is made
        """Keep the results of tasks in a store, each under its storage key.

        Save it once under a name; tasks and flows are then told of it by that name::

            StoreBlock(path="s3://bucket/results").save("results")

            @task(persist_result=True, result_storage="pypedream-store/results",
                  result_storage_key="clean")
            def clean(): ...

        ``CacheStore("s3://bucket/results").get("clean")`` is then what *clean* gave.

        Parameters
        ----------
        path
            Folder or URL of the store.
        storage_options
            What fsspec opens the file system with.
        serializer
            The name of the format that values are written in; "auto" goes by their type.
        allow_pickle
            Read pickles though somebody else may have written them.
        """

        _block_type_name: ClassVar[str] = "pypedream store"
        _block_type_slug: ClassVar[str] = "pypedream-store"
        _description: ClassVar[str] = "Keeps results of tasks in a CacheStore of pypedream."

        path: str = Field(description="Folder or URL of the store.")
        storage_options: dict[str, Any] = Field(
            default_factory=dict, description="What fsspec opens the file system with."
        )
        serializer: str = Field(default="auto", description="Name of the format of values.")
        allow_pickle: bool = Field(default=False, description="Read pickles of other people.")
        _opened: Any = PrivateAttr(default=None)

        @property
        def store(self) -> CacheStore:
            """The store; what is written replaces what was there."""
            if self._opened is None:
                from pypedream.store import CacheStore

                self._opened = CacheStore(
                    self.path,
                    on_duplicate_key="overwrite",
                    storage_options=self.storage_options or None,
                    allow_pickle=self.allow_pickle,
                )
            found: CacheStore = self._opened
            return found

        def _resolve_path(self, path: str) -> str:
            return path  # Prefect asks blocks that are not saved; a key of a store is no file

        def write_path(self, path: str, content: bytes, **_: Any) -> str:
            """Keep a record; the value in it is what the store has under *path*."""
            keep(self.store, path, content, self.serializer)
            return path

        def read_path(self, path: str, **_: Any) -> bytes:
            """Return a record as Prefect had written it."""
            return recall(self.store, path)

        async def awrite_path(self, path: str, content: bytes) -> str:
            """Keep a record, while others go on."""
            return await to_thread(self.write_path, path, content)

        async def aread_path(self, path: str) -> bytes:
            """Return a record, while others go on."""
            return await to_thread(self.read_path, path)

    StoreBlock.__qualname__ = "StoreBlock"  # so that it can be pickled by its name
    return StoreBlock


def __getattr__(name: str) -> Any:
    if name != "StoreBlock":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    block = _block()
    setattr(sys.modules[__name__], name, block)
    return block
