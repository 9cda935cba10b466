"""What a function reads and writes, however its annotations are written."""

from __future__ import annotations

import sys
from functools import partial, wraps

import pytest

from pypedream.files import CSV, JSON, FileDep, FileOut, Text, spec_of

TABLE = """
class Outputs(TypedDict):
    result: Annotated[list, Out("output.csv", CSV())]
    metrics: Annotated[dict, Metric("metrics.json")]

def f(data: Annotated[list, Dep("input.csv", CSV())], rate: float = 1.0) -> Outputs: ...
"""
SINGLE = """
def f(data: Annotated[list, Dep("input.csv", CSV())]) -> Annotated[list, Out("o.csv", CSV())]: ...
"""
ALIAS = """
Rows = Annotated[list, Dep("rows.csv", CSV())]
Result = Annotated[dict, Metric("m.json")]

def f(rows: Rows) -> Result: ...
"""
MODES = pytest.mark.parametrize("is_postponed", [False, True], ids=["now", "postponed"])


@MODES
def test_a_table_of_outputs(define, is_postponed):
    """The seed's stage: arguments with Dep are read, fields with Out and Metric are written."""
    spec = spec_of(define(TABLE, is_postponed=is_postponed))

    assert spec.deps == {"data": FileDep("input.csv", CSV())}
    assert spec.outs == {
        "result": FileOut("output.csv", CSV()),
        "metrics": FileOut("metrics.json", JSON(), "metric", is_cached=False),
    }
    assert not spec.is_single
    assert spec.params is None


@MODES
def test_a_single_output(define, is_postponed):
    """What is annotated at the return directly is the value itself."""
    spec = spec_of(define(SINGLE, is_postponed=is_postponed))

    assert spec.outs == {"return": FileOut("o.csv", CSV())}
    assert spec.is_single


@MODES
def test_aliases(define, is_postponed):
    """A name for an annotation says what it stands for."""
    spec = spec_of(define(ALIAS, is_postponed=is_postponed))

    assert spec.deps == {"rows": FileDep("rows.csv", CSV())}
    assert spec.outs["return"].path == "m.json"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement is new in 3.12")
@MODES
def test_aliases_of_the_type_statement(define, is_postponed):
    """PEP 695: `type Rows = Annotated[...]`."""
    code = "type Rows = Annotated[list, Dep('r.csv', CSV())]\ndef f[T](rows: Rows, x: T) -> T: ..."

    assert spec_of(define(code, is_postponed=is_postponed)).deps["rows"].paths == "r.csv"


@MODES
def test_names_for_type_checkers_only(define, is_postponed):
    """A type that is imported for type checkers only does not hide the file beside it."""
    if not is_postponed and sys.version_info < (3, 14):
        pytest.skip("Python evaluates the annotation")
    code = """
def f(
    frame: Annotated[pd.DataFrame, Dep("a.csv", CSV())], other: Annotated[pd.X | None, Dep(
        "b.csv", CSV())]
) -> Annotated[dict[str, pd.DataFrame], DirectoryOut("d/", CSV())]: ...
"""
    spec = spec_of(define(code, is_postponed=is_postponed))

    assert list(spec.deps) == ["frame", "other"]
    assert spec.outs["return"].kind == "directory"


@MODES
def test_a_table_in_a_module_that_the_function_knows_by_its_name(define, is_postponed):
    """`-> tables.Outputs` is looked up through the module."""
    define(TABLE, is_postponed=is_postponed, to="tables")
    code = "import tables\ndef f() -> tables.Outputs: ..."

    assert list(spec_of(define(code, is_postponed=is_postponed)).outs) == ["result", "metrics"]


@MODES
def test_parts_of_a_table_that_need_not_be_there(define, is_postponed):
    """total=False, NotRequired, Required and inheritance say which fields are returned always."""
    code = """
from typing import NotRequired, Required

class Base(TypedDict):
    a: Annotated[dict, Out("a.json", JSON())]
    b: NotRequired[Annotated[dict, Out("b.json", JSON())]]

class Outputs(Base, total=False):
    c: Annotated[dict, Out("c.json", JSON())]
    d: Annotated[Required[dict], Out("d.json", JSON())]

def f() -> Outputs: ...
"""
    spec = spec_of(define(code, is_postponed=is_postponed))

    required = {name: out.is_required for name, out in spec.outs.items()}
    assert required == {"a": True, "b": False, "c": False, "d": True}


@MODES
def test_incremental_outputs_are_read_and_written(define, is_postponed):
    """The argument and the field have the same path; None may be in the type."""
    code = """
class Outputs(TypedDict):
    cache: Annotated[dict, IncrementalOut("cache.json", JSON())]

def f(cache: Annotated[dict | None, IncrementalOut("cache.json", JSON())]) -> Outputs: ...
"""
    spec = spec_of(define(code, is_postponed=is_postponed))

    assert spec.deps == {"cache": FileDep("cache.json", JSON(), is_incremental=True)}
    assert spec.outs == {"cache": FileOut("cache.json", JSON(), "incremental")}


@MODES
def test_an_optional_file_may_be_written_around_or_within_the_union(define, is_postponed):
    """`Annotated[...] | None` says the same as `Annotated[... | None, ...]`."""
    code = """
from typing import Optional
def f(a: Annotated[list, Dep("a.csv", CSV())] | None, b: Optional[Annotated[list, Dep(["b.csv"],
      CSV())]] = None): ...
"""
    spec = spec_of(define(code, is_postponed=is_postponed))

    assert [dep.paths for dep in spec.deps.values()] == ["a.csv", ["b.csv"]]


def test_lists_and_tuples_of_files(define):
    """A list of paths stands for a list of values, a tuple for as many values."""
    code = """
def f(
    shards: Annotated[list[dict], Dep(["a.csv", "data/*.csv"], CSV())],
    pair: Annotated[tuple[dict, dict], Dep(("x.csv", "./y.csv"), CSV())],
) -> Annotated[list, Out(["p.csv", "q.csv"], CSV())]: ...
"""
    spec = spec_of(define(code))

    assert spec.deps["shards"].paths == ["a.csv", "data/*.csv"]
    assert spec.deps["pair"].paths == ("x.csv", "y.csv")
    assert spec.outs["return"].path == ["p.csv", "q.csv"]


def test_a_loader_that_writes_a_folder(define):
    """PathOnly, Zarr and loaders of one's own may: the path ends with "/" then."""
    code = (
        "def f(x: Annotated[Any, Dep('data/', PathOnly())]) -> Annotated["
        "Any, Out('model/', PathOnly())]: ..."
    )
    spec = spec_of(define(code))

    assert (spec.deps["x"].paths, spec.outs["return"].path) == ("data/", "model/")


def test_patterns_are_what_they_match(define, tmp_path):
    """Each file once, in the order of the list; what is no pattern need not be there."""
    code = "def f(x: Annotated[list, Dep(['b.csv', '*.csv', 'new/a.csv'], CSV())]): ..."
    for name in ("c.csv", "b.csv", "a.csv", "a.txt"):
        (tmp_path / name).touch()

    dep = spec_of(define(code)).deps["x"]

    assert dep.files(tmp_path) == ["b.csv", "a.csv", "c.csv", "new/a.csv"]


def test_a_plot_says_its_axes(define):
    """x, y and template are kept for programs that draw the data themselves."""
    code = "def f() -> Annotated[str, Plot('a.svg', Text(), x='day', y='n', template='t')]: ..."

    assert spec_of(define(code)).outs["return"] == FileOut(
        "a.svg", Text(), "plot", x="day", y="n", template="t"
    )


@pytest.mark.parametrize(
    "code",
    [
        "def f(a, b=1): ...",
        "def f(a: int, b: 'list[int]') -> dict[str, int]: ...",
        "def f(a: 'no such', b: 'Nowhere.x[1]') -> 'Also': ...",
        "class T(TypedDict):\n    a: int\ndef f(a: int) -> T: ...",
        "class Out: ...\ndef f(a: 'Out') -> 'Annotated[Out, 1]': ...",
        "from typing import Literal\ndef f(a: Literal['Dep', 'Out']) -> 'Literal[\"Dep\"]': ...",
        "def f(a: 'Plot[int]') -> 'plots.Plot': ...\ndel Plot",
    ],
    ids=["none", "types", "unknown", "table", "other Out", "Literal", "other Plot"],
)
def test_a_plain_function(define, code):
    """A function that says nothing about files has no spec."""
    assert spec_of(define(code)) is None


def test_the_text_of_a_plain_function_is_not_evaluated(define):
    """What is written in an annotation of a plain function does not run."""
    code = "seen = []\ndef f(a: 'seen.append(1)') -> 'list[seen.append(2)]': ..."
    function = define(code)

    assert spec_of(function) is None
    assert function.__globals__["seen"] == []


@pytest.mark.parametrize("function", [len, int, print, partial(sorted, key=len)], ids=repr)
def test_what_is_not_written_in_python(function):
    """A builtin has no spec."""
    assert spec_of(function) is None


def test_partials_methods_and_decorators(define):
    """What is called in the end counts; what a partial gives is no input any more."""
    code = (
        TABLE
        + """
class Stage:
    def method(self, data: Annotated[list, Dep("m.csv", CSV())]): ...
    def __call__(self, data: Annotated[list, Dep("c.csv", CSV())]): ...
    @classmethod
    def made(cls, data: Annotated[list, Dep("k.csv", CSV())]): ...

async def later(data: Annotated[list, Dep("l.csv", CSV())]): ...
"""
    )
    flow = define(code)
    space = flow.__globals__

    @wraps(flow)
    def wrapped(*args, **kwargs):
        return flow(*args, **kwargs)

    assert spec_of(wrapped).deps.keys() == {"data"}
    assert spec_of(partial(flow, rate=2)).deps.keys() == {"data"}
    assert spec_of(partial(flow, data=[])).deps == {}
    assert spec_of(partial(flow, [])).deps == {}
    assert spec_of(space["later"]).deps["data"].paths == "l.csv"
    assert spec_of(space["Stage"]().method).deps["data"].paths == "m.csv"
    assert spec_of(space["Stage"]()).deps["data"].paths == "c.csv"
    assert spec_of(space["Stage"].made).deps["data"].paths == "k.csv"
    assert spec_of(partial(space["Stage"]().method, [])) is None


def test_a_function_that_only_reads_files(define):
    """What it returns is a value, for other stages."""
    spec = spec_of(define("def f(a: Annotated[list, Dep('a.csv', CSV())]) -> dict: ..."))

    assert (list(spec.deps), spec.outs, spec.warnings) == (["a"], {}, ())


def test_a_return_type_that_is_not_there(define):
    """A table that is imported for type checkers only may be meant to say Out: a warning."""
    code = "def f(a: Annotated[list, Dep('a.csv', CSV())]) -> Outputs: ..."

    spec = spec_of(define(code, is_postponed=True), name="clean")

    assert spec.warnings == (
        (
            'stage "clean", what is returned: if Outputs says Out: Outputs is not there at run'
            " time:"
            " import it at the top of the module, not under TYPE_CHECKING (flow.py:9)"
        ),
    )


def test_paths_are_overridden(define):
    """By argument and by field; the shape stays, and other paths stay."""
    spec = spec_of(
        define(TABLE),
        dep_path_overrides={"data": "v2/./input.csv"},
        out_path_overrides={"result": "v2/output.csv"},
    )

    assert spec.deps["data"].paths == "v2/input.csv"
    assert [out.path for out in spec.outs.values()] == ["v2/output.csv", "metrics.json"]


def test_the_path_of_a_single_output_is_overridden(define):
    """It is called "return"."""
    spec = spec_of(define(SINGLE), out_path_overrides={"return": "b.csv"})

    assert spec.outs["return"].path == "b.csv"


@pytest.mark.parametrize("path", ["a.csv", ["a.csv", "*.csv"], ("a.csv", "b.csv")], ids=repr)
def test_a_placeholder_gets_its_path(define, path):
    """One path, a list or a tuple."""
    function = define("def f(base: Annotated[Any, PlaceholderDep(CSV())]): ...")

    spec = spec_of(function, dep_path_overrides={"base": path})

    assert spec.deps == {"base": FileDep(path, CSV())}


INCREMENTAL = """
def f(c: Annotated[dict, IncrementalOut("c.json", JSON())]) -> Annotated[
    dict, IncrementalOut("c.json", JSON())]: ...
"""


@pytest.mark.parametrize("deps", [None, {"c": "v2/c.json"}], ids=["output", "both"])
def test_an_incremental_path_is_overridden_on_both_sides(define, deps):
    """Where the output goes the input comes from."""
    spec = spec_of(
        define(INCREMENTAL), dep_path_overrides=deps, out_path_overrides={"return": "v2/c.json"}
    )

    assert spec.deps["c"].paths == spec.outs["return"].path == "v2/c.json"


@MODES
def test_a_stage_is_called_with_values(define, is_postponed):
    """Annotations change nothing of the function: a test calls it with data."""
    code = "def f(a: Annotated[list, Dep('a.csv', CSV())]) -> Annotated[int, Metric('n.json')]:\n"
    function = define(code + "    return len(a)", is_postponed=is_postponed)

    assert spec_of(function) is not None
    assert function([1, 2]) == function(a=[1, 2]) == 2
