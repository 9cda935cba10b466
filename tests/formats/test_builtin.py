"""Serializers by name: built in, registered by users, offered by packages."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from pypedream import formats
from pypedream.errors import DefinitionError, FormatError, NotRegistered
from pypedream.formats import (
    Loader,
    Pickle,
    Serializer,
    Text,
    get,
    is_unsafe,
    pick_serializer,
    register,
    registry,
)
from pypedream.store import CacheStore

NAMES = """
    auto json jsonl yaml text bytes csv parquet feather arrow npy netcdf zarr pickle joblib
    pandas.csv pandas.parquet xarray.netcdf xarray.zarr polars.series
""".split()  # noqa: SIM905 - as the docs list them


@pytest.fixture
def own() -> Iterator[str]:
    """A name to register; it is forgotten afterwards."""
    yield "test.own"
    registry.serializers._entries.pop("test.own", None)


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_serializer_is_found_by_name(name: str) -> None:
    """Each name stands for a serializer that knows its name, without any optional library."""
    found = get(name)

    assert isinstance(found, Serializer)
    assert found.name == name
    assert registry.has("serializers", name)


def test_the_built_in_names_are_these() -> None:
    """The list of names is the one in the docs."""
    assert set(NAMES) <= set(registry.serializers)


def test_only_pickles_are_unsafe() -> None:
    """Loading runs code with these; auto may have picked one of them."""
    assert {name for name in NAMES if is_unsafe(name)} == {"pickle", "joblib", "auto"}


def test_a_wrong_name_says_the_nearest(tmp_path: Path) -> None:
    """An unknown serializer is a KeyError with a hint."""
    with pytest.raises(NotRegistered, match='in serializers is called "jsn"; did you mean "json"'):
        get("jsn")
    with pytest.raises(KeyError):
        is_unsafe("jsn")


def test_options_are_those_of_the_format(tmp_path: Path) -> None:
    """Both dump and load take the options of the format by name."""
    get("json").dump({"a": 1}, tmp_path / "x", indent=1)
    get("text").dump("ü", str(tmp_path / "y"), encoding="latin-1")

    assert (tmp_path / "x").read_text() == '{\n "a": 1\n}\n'
    assert get("text").load(tmp_path / "y", encoding="latin-1") == "ü"


def test_a_store_has_json_in_one_line(tmp_path: Path) -> None:
    """Nobody looks at it, and to indent it takes json three times as long."""
    store = CacheStore(tmp_path)
    store.put("x", {"a": [1, 2]}, serializer="json")

    found = store.backend.find("x")

    assert found is not None
    assert found.inline == b'{"a": [1, 2]}\n'


def test_a_wrong_option_says_the_nearest(tmp_path: Path) -> None:
    """An option that the format has not is never ignored."""
    with pytest.raises(DefinitionError, match='"json" has no option "indnt"; did you mean "inden'):
        get("json").dump({}, tmp_path / "x", indnt=1)


@pytest.mark.parametrize("value", [{"a": [1, None]}, "text", b"bytes", (1, 2), {1: "x"}], ids=repr)
def test_auto_writes_what_the_picked_one_reads(tmp_path: Path, value: Any) -> None:
    """What was written with auto is read under the name that was picked."""
    get("auto").dump(value, tmp_path / "x")

    back = get(pick_serializer(value)).load(tmp_path / "x")
    assert back == value
    assert type(back) is type(value)


def test_auto_does_not_guess(tmp_path: Path) -> None:
    """Loading needs a name; guessing from bytes could unpickle what is a text."""
    with pytest.raises(FormatError, match='"auto" only chooses when a value is written'):
        get("auto").load(tmp_path / "x")


def test_a_function_that_makes_a_serializer_is_registered(tmp_path: Path, own: str) -> None:
    """The decorator takes a factory, as registry.serializers.register does."""

    @registry.serializers.register(own)
    def make() -> Serializer:
        return Serializer(
            own,
            dump=lambda value, path, **kwargs: Path(path).write_text(value, **kwargs),
            load=lambda path, **kwargs: Path(path).read_text(**kwargs),
        )

    get(own).dump("ü", tmp_path / "x", encoding="utf-8")

    assert get(own).load(tmp_path / "x", encoding="utf-8") == "ü"
    assert registry.get("serializers", own) is make
    assert not is_unsafe(own)


@pytest.mark.parametrize(
    "entry",
    [Text("latin-1"), lambda: Text("latin-1"), Text, get("text")],
    ids=["format", "factory of a format", "class", "serializer"],
)
def test_what_can_be_registered(tmp_path: Path, own: str, entry: Any) -> None:
    """A format, its class, a function that makes one, or a serializer."""
    register(own, entry)

    get(own).dump("a", tmp_path / "x")
    assert get(own).load(tmp_path / "x") == "a"


def test_a_format_of_ones_own_gets_a_path(tmp_path: Path, own: str) -> None:
    """Whoever loads by name may give a text; the format gets a Path, as it says."""

    class Words(Loader[list[str], list[str]]):
        def load(self, path: Path) -> list[str]:
            return path.read_text().split()

        def save(self, data: list[str], path: Path) -> None:
            path.write_text(" ".join(data))

    register(own, Words)
    get(own).dump(["a", "b"], str(tmp_path / "x"))

    assert get(own).load(str(tmp_path / "x")) == ["a", "b"]


def test_a_pickle_under_another_name_is_unsafe(own: str) -> None:
    """A format that runs code when it loads does so under any name."""
    register(own, Pickle(protocol=4))

    assert is_unsafe(own)


def test_a_cell_that_runs_twice_registers_again(own: str) -> None:
    """The last registration of a name is the one that holds."""
    register(own, Text("ascii"))
    register(own, Text("latin-1"))

    assert registry.get("serializers", own) == Text("latin-1")


def test_a_built_in_name_cannot_be_taken() -> None:
    """Results were written under it: it cannot mean something else."""
    with pytest.raises(DefinitionError, match='"json" is built in; choose another name'):
        register("json", Text())


def test_the_decorator_wants_a_name() -> None:
    """A decorator without brackets is a mistake that is said at once."""
    with pytest.raises(DefinitionError, match=r'write register\("name"\)'):

        @register
        def own() -> Text:
            return Text()


def test_what_is_no_serializer_is_said(own: str) -> None:
    """A factory that returns something else is named when it is used."""
    register(own, lambda: 3)

    with pytest.raises(DefinitionError, match=r'"test\.own" gives 3, which is no serializer'):
        get(own)


@pytest.mark.parametrize(
    "arguments",
    [("", print, print), (3, print, print), ("x", None, print), ("x", print, "load")],
    ids=["no name", "number", "no dump", "text"],
)
def test_a_serializer_is_checked(arguments: Any) -> None:
    """A name is a text, dump and load can be called."""
    with pytest.raises((TypeError, ValueError)):
        Serializer(*arguments)


def test_registries_of_ones_own() -> None:
    """Create makes a table, which is an attribute; get and has ask it."""
    table = registry.create("greetings_of_test")
    table.register("hello", lambda: "hello you")

    assert registry.greetings_of_test is table
    assert registry.has("greetings_of_test", "hello")
    assert not registry.has("greetings_of_test", "bye")
    assert not registry.has("nothing", "hello")
    assert registry.get("greetings_of_test", "hello")() == "hello you"
    with pytest.raises(NotRegistered, match='no registry "greetings_of_tst"; did you mean'):
        registry.get("greetings_of_tst", "hello")
    with pytest.raises(DefinitionError, match="exists or is no name"):
        registry.create("greetings_of_test")


def test_packages_offer_serializers_by_entry_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed package with an entry point is asked when its name is, not before."""
    info = tmp_path / "shouting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[pypedream_serializers]\nshout = shouting_of_test:make\n"
    )
    (tmp_path / "shouting_of_test.py").write_text(
        "from pypedream.formats import Text\ndef make():\n    return Text()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()

    assert registry.has("serializers", "shout")
    assert "shouting_of_test" not in sys.modules
    get("shout").dump("a", tmp_path / "x")
    assert get("shout").load(tmp_path / "x") == "a"
    registry.serializers._entries.pop("shout")
    sys.modules.pop("shouting_of_test")


def test_importing_formats_loads_no_library() -> None:
    """Formats, their names and the serializers of plain values cost no optional library."""
    code = """
import sys, tempfile, os
import pypedream.formats as formats
formats.CSV(), formats.Parquet(), formats.NetCDF(), formats.Zarr(), formats.NPY(), formats.YAML()
formats.MatplotlibFigure(), formats.Joblib()
path = os.path.join(tempfile.mkdtemp(), "x")
for value in ({"a": 1}, "text", b"bytes", (1, 2)):
    name = formats.pick_serializer(value)
    formats.get(name).dump(value, path)
    assert formats.get(name).load(path) == value
roots = {name.partition(".")[0] for name in sys.modules}
print(sorted(roots & {"numpy", "pandas", "polars", "pyarrow", "xarray", "zarr", "h5py", "yaml",
                      "h5netcdf", "matplotlib", "joblib", "fsspec", "pydantic", "sqlite3"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8"
    )

    assert done.stdout == "[]\n"


def test_every_name_of_the_package_is_there() -> None:
    """What __all__ promises can be imported; a wrong name is an AttributeError."""
    for name in formats.__all__:
        assert getattr(formats, name) is not None
        assert name in dir(formats)
    with pytest.raises(AttributeError, match="no attribute 'Csv'"):
        _ = formats.Csv


WITHOUT_FILE: dict[str, list[Any]] = {
    "json": [None, 1, -0.0, "ü", [], {"a": [1, {"b": None}]}, [1.5, True]],
    "text": ["", "a\r\nü"],
    "bytes": [b"", b"\0\xff"],
    "pickle": [(1, 2), {3, 4}, None],
}


@pytest.mark.parametrize(
    "name, value",
    [(name, value) for name, values in WITHOUT_FILE.items() for value in values],
    ids=repr,
)
def test_without_a_file_the_bytes_are_the_same(tmp_path: Path, name: str, value: Any) -> None:
    """What dumps or dump_to gives is what dump writes, and loads reads it."""
    found = get(name)
    found.dump(value, tmp_path / "x")
    if found.dumps is not None:
        data = found.dumps(value)
    else:
        assert found.dump_to is not None
        file = BytesIO()
        found.dump_to(value, file)
        data = file.getvalue()

    assert data == (tmp_path / "x").read_bytes()
    assert found.loads is not None
    assert repr(found.loads(data)) == repr(value)


@pytest.mark.parametrize("data", [b"{", b"\xff", b"NaN", b'{"a": Infinity}'])
def test_bytes_that_are_no_json_are_refused(data: bytes) -> None:
    """As a file of them is."""
    loads = get("json").loads
    assert loads is not None

    with pytest.raises(FormatError, match=r"^the value(, line 1,)? is not JSON: "):
        loads(data)


def test_options_count_without_a_file() -> None:
    """They are those of the format, and a wrong one is refused."""
    json = get("json")
    assert json.dumps is not None

    assert json.dumps({"a": 1}, indent=None) == b'{"a": 1}\n'
    with pytest.raises(DefinitionError, match='did you mean "indent"'):
        json.dumps({}, indnt=1)
