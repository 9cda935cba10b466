"""Every mistake of a function is one line with its place, and all of them are told at once."""

from __future__ import annotations

import pytest

from pypedream.errors import PipelineConfigError
from pypedream.files import spec_of

DEP = "def f(x: Annotated[Any, {}]): ..."
OUT = "def f() -> Annotated[Any, {}]: ..."
BOTH = """
class Outputs(TypedDict):
    a: Annotated[dict, {}]
    b: Annotated[dict, {}]

def f(x: Annotated[dict, {}]) -> Outputs: ...
"""
LOADERS = """
class Open(Reader[str]):
    def load(self, path): ...
    def __init__(self): self.mode = "r"

@dataclasses.dataclass
class Changing(Reader[str]):
    mode: str = "r"
    def load(self, path): ...

@dataclasses.dataclass(frozen=True)
class Image(Reader[str]):
    mode: str = "r"
    def load(self, path): ...

@dataclasses.dataclass(frozen=True)
class HTML(Writer[str]):
    def save(self, data, path): ...

@dataclasses.dataclass(frozen=True)
class NPY(Loader[list, list]):
    def load(self, path): ...
    def save(self, data, path): ...

def make():
    class Local(Reader[str]):
        def load(self, path): ...
    return Local()
"""


@pytest.mark.parametrize(
    "code, mistake",
    [
        ('Dep("a.csv")', 'loader is required: write Dep("a.csv", CSV())'),
        ('Dep(["a.tsv"])', "loader is required: write Dep(['a.tsv'], CSV(sep=\"\\t\"))"),
        ("PlaceholderDep()", "loader is required: write PlaceholderDep(JSON()), or what reads"),
        ('Dep("a.csv", CSV)', "Dep takes a loader, not a class: write CSV()"),
        ('Dep("a.csv", "csv")', "Dep takes a loader, not 'csv': write one such as JSON()"),
        ('Dep("a.png", MatplotlibFigure())', "Dep takes a Reader or a Loader, and Matplotlib"),
        ('Dep("a.html", HTML())', "Dep takes a Reader or a Loader, and HTML only writes"),
        ('Dep("a.txt", make())', "cannot pickle the loader Local: move its class to the top of"),
        ('Dep("a.txt", Changing())', "the options of the loader Changing may change: write @data"),
        ('Dep("a.txt", Open())', "the options of the loader Open may change: write @dataclasses"),
        ('Dep("../a.csv", CSV())', '"../a.csv" cannot be a path of the project: a part is ".."'),
        ('Dep("/a.csv", CSV())', '"/a.csv" cannot be a path of the project: it is absolute'),
        ('Dep("", CSV())', '"" cannot be a path of the project: it names no file'),
        ("Dep(3, CSV())", "Dep takes a path, not 3"),
        ("Dep(CSV(), 'a.csv')", "Dep takes a path, not CSV("),
        ("Dep(CSV())", "Dep takes a path, not CSV("),
        ("Dep(JSON())", "Dep takes a path, not JSON("),
        ("Dep([], CSV())", "Dep takes at least one path"),
        ("Dep([1], CSV())", "Dep takes a path, not [1]"),
        ("Dep(['a.csv', './a.csv'], CSV())", 'Dep has the path "a.csv" twice'),
        ('Dep("*.csv", CSV())', 'Dep: the pattern "*.csv" stands for several files: write it in'),
        ('Dep("d/", CSV())', 'Dep is one file, and "d/" is a folder: write ["d/*"]'),
        ('Dep(("*.csv",), CSV())', 'Dep: the pattern "*.csv" can only stand in a list of Dep'),
        ('Dep("{}.csv", CSV())', '"{}.csv": a parameter stands in braces by its name alone'),
        ('Dep("{a.csv", CSV())', '"{a.csv" has a lone brace: write {{ or }} for one'),
        ('Out("a.csv", CSV())', "Out is for what is returned; write Dep"),
        ("Dep", "Dep says no file: write Dep(...)"),
        ('Dep("a.csv", CSV()), Dep("b.csv", CSV())', "one value is one file; here are Dep and Dep"),
        ("PlaceholderDep(CSV())", "PlaceholderDep requires override: write register(..., dep_path"),
        (
            'IncrementalOut("c.json", JSON())',
            'IncrementalOut path mismatch: it reads "c.json", and',
        ),
    ],
)
def test_what_an_argument_cannot_be(mistakes, code, mistake):
    """Path, loader and annotation of an argument."""
    first, *_ = mistakes(LOADERS + DEP.replace("{}", code, 1))

    assert first.startswith(f'argument "x": {mistake}')


@pytest.mark.parametrize(
    "code, mistake",
    [
        ('Out("file.json")', 'loader is required: write Out("file.json", JSON())'),
        ('DirectoryOut("d/")', 'loader is required: write DirectoryOut("d/", JSON())'),
        ('Plot("a.png")', 'loader is required: write Plot("a.png", MatplotlibFigure())'),
        ('Out("a.png", Image())', "Out takes a Writer or a Loader, and Image only reads"),
        ('Out("a.png", MatplotlibFigure())', "Out is no figure: write Plot('a.png', MatplotlibF"),
        ('Out("a/", JSON())', 'Out is one file, and "a/" is a folder: write DirectoryOut'),
        ('Plot("a/", HTML())', 'Plot is one file, and "a/" is a folder: write DirectoryOut'),
        ('Out("*.csv", CSV())', 'Out is one file, and "*.csv" is a pattern: write DirectoryOut'),
        (
            'Out("a [1].csv", CSV())',
            'Out is one file, and "a [1].csv" is a pattern: write DirectoryOut, or a name without',
        ),
        ('Out(["*.csv"], CSV())', 'Out: the pattern "*.csv" can only stand in a list of Dep'),
        ('Metric("m.yaml")', "Metric path must end with '.json': write \"m.json\""),
        ('Metric("m.json", YAML())', "Metric is JSON, and YAML writes something else: leave the l"),
        ('Metric(["m.json"])', "Metric takes one path, not 1: ['m.json']"),
        ('DirectoryOut("d", JSON())', "DirectoryOut path must end with '/': write \"d/\""),
        ('DirectoryOut("d/", Image())', "DirectoryOut takes a Writer or a Loader, and Image only"),
        ('IncrementalOut("c.html", HTML())', "IncrementalOut reads and writes, so it takes a L"),
        ('IncrementalOut("c.pkl", Pickle())', "IncrementalOut takes a loader with empty(), and P"),
        ('IncrementalOut("c.npy", NPY())', "IncrementalOut takes a loader with empty(), and NPY"),
        ('IncrementalOut("c.json", JSON())', "IncrementalOut path mismatch: no argument reads it"),
        ('Dep("a.csv", CSV())', "Dep is for arguments; write Out"),
        ('Out("../a.csv", CSV())', '"../a.csv" cannot be a path of the project: a part is ".."'),
    ],
)
def test_what_a_result_cannot_be(mistakes, code, mistake):
    """Path, loader and annotation of what is returned."""
    first, *_ = mistakes(LOADERS + OUT.replace("{}", code, 1))

    assert first.startswith(f"what is returned: {mistake}")


@pytest.mark.parametrize(
    "code, found",
    [
        (
            (
                "class T(TypedDict):\n    a: Annotated[int, Metric('m.json')]\n    b: int\n"
                "def f() -> T: ..."
            ),
            [
                (
                    'field "b": TypedDict field missing Out annotation: write b: Annotated[type,'
                    ' Out("...",'
                    " loader)] in T"
                )
            ],
        ),
        (
            (
                "class T(TypedDict):\n    b: int\n"
                "def f(x: Annotated[int, Dep('a.json', JSON())]) -> T: ..."
            ),
            [
                (
                    'field "b": TypedDict field missing Out annotation: write b: Annotated[type,'
                    ' Out("...",'
                    " loader)] in T"
                )
            ],
        ),
        (
            "class T(TypedDict):\n    a: Annotated[int, Dep('a.json', JSON())]\ndef f() -> T: ...",
            ['field "a": Dep is for arguments; write Out'],
        ),
        (
            (
                "def make():\n    class T(TypedDict):\n        a: Annotated[int,"
                " Metric('m.json')]\n"
                "    return T\nT = make()\ndef f() -> T: ..."
            ),
            ["the TypedDict T is defined inside a function: move it to the top of its module"],
        ),
        (
            (
                "def make():\n    def f() -> Annotated[int, Metric('m.json')]: ...\n    return f\n"
                "f = make()"
            ),
            [
                (
                    "cannot pickle a function that is defined inside another: move it to the top"
                    " of its"
                    " module"
                )
            ],
        ),
        (
            "def f(*x: Annotated[int, Dep('a.json', JSON())]): ...",
            [
                (
                    'argument "x": * and ** take no files: write one argument with'
                    " Annotated[list[...],"
                    " Dep([...], loader)]"
                )
            ],
        ),
        (
            "def f(x: list[Annotated[int, Dep('a.json', JSON())]]): ...",
            ['argument "x": write Annotated[...] around the whole type, not within it'],
        ),
        (
            "def f() -> tuple[Annotated[int, Metric('m.json')], int]: ...",
            ["what is returned: write Annotated[...] around the whole type, not within it"],
        ),
        (
            "def f(x: Dep('a.json', JSON())): ...",
            ['argument "x": Dep(...) stands beside a type: write Annotated[type, Dep(...)]'],
        ),
        (
            "def f(x: 'Annotated[int, Dep()]'): ...",
            [
                (
                    'argument "x": the annotation cannot be read: Dep.__init__() missing 1 required'
                    " positional argument: 'path'"
                )
            ],
        ),
        (
            "def f(x: 'Annotated[int, Dep(\"a.csv\", ParquetReader(3))]'): ...",
            [
                (
                    'argument "x": ParquetReader is not there at run time: import it at the top'
                    " of the"
                    " module, not under TYPE_CHECKING"
                )
            ],
        ),
        (
            "def f(x: 'Annotated[int, Dep(INPUT, JSON())]'): ...",
            [
                (
                    'argument "x": INPUT is not there at run time: import it at the top of the'
                    " module, not"
                    " under TYPE_CHECKING"
                )
            ],
        ),
        (
            "def f(x: 'Annotated[int, files.Dep(\"a.json\", JSON())]'): ...",
            [
                (
                    'argument "x": files.Dep is not there at run time: import it at the top of'
                    " the module,"
                    " not under TYPE_CHECKING"
                )
            ],
        ),
        (
            "def f(x: 'Annotated[int, Dep(\"a.json\", JSON())]'): ...\ndel Annotated",
            [
                (
                    'argument "x": Annotated is not there at run time: import it at the top of'
                    " the module,"
                    " not under TYPE_CHECKING"
                )
            ],
        ),
    ],
    ids=[
        "field without",
        "no field with",
        "Dep in a field",
        "local table",
        "local function",
        "star",
        "within a list",
        "within a tuple",
        "without Annotated",
        "no path",
        "no loader there",
        "no path there",
        "no Dep there",
        "no Annotated there",
    ],
)
def test_where_annotations_stand(mistakes, code, found):
    """Fields of a table, functions inside of others, and names that are not there."""
    assert mistakes(code) == found


def test_a_lambda_is_no_file_stage(define):
    """Even if it has annotations."""
    function = define("f = lambda x: x\nf.__annotations__['x'] = Annotated[int, Dep('a', JSON())]")

    with pytest.raises(PipelineConfigError, match="cannot pickle a lambda: move it to the top"):
        spec_of(function)


@pytest.mark.parametrize(
    "code, mistake",
    [
        (
            "def f(x: Annotated[dict, Dep(['a.csv'], CSV())]): ...",
            'argument "x": Dep has a list of paths: write list[dict]',
        ),
        (
            "def f(x: Annotated[list[dict], Dep(('a.csv', 'b.csv'), CSV())]): ...",
            'argument "x": Dep has a tuple of paths: write tuple[list[dict], list[dict]]',
        ),
        (
            "def f(x: Annotated[tuple[int, int, int], Dep(('a.csv', 'b.csv'), CSV())]): ...",
            'argument "x": Dep has 2 paths for the 3 members of tuple[int, int, int]',
        ),
        (
            "def f() -> Annotated[list, DirectoryOut('d/', CSV())]: ...",
            "what is returned: DirectoryOut writes a dict of files: write dict[str, list]",
        ),
    ],
    ids=["list", "tuple", "count", "directory"],
)
def test_types_that_do_not_fit(mistakes, code, mistake):
    """A list of paths gives a list, a tuple a tuple of as many, and a folder takes a dict."""
    assert mistakes(code) == [mistake]


@pytest.mark.parametrize(
    "kind",
    ["list", "Sequence[dict]", "Iterable[dict] | None", "Any", "object", "'Unknown'", "T"],
)
def test_types_that_may_be_a_list(define, kind):
    """What may be a list is not refused."""
    code = (
        "from collections.abc import Iterable, Sequence\nfrom typing import TypeVar\n"
        f"T = TypeVar('T')\ndef f(x: Annotated[{kind}, Dep(['a.csv'], CSV())]): ..."
    )

    assert spec_of(define(code)).deps["x"].paths == ["a.csv"]


def test_a_plot_of_matplotlib_is_a_figure(mistakes, define):
    """Not its axes, and nothing else; what the type is must be known to be refused."""
    pytest.importorskip("matplotlib")
    code = (
        "import matplotlib.axes, matplotlib.figure\n"
        "def f() -> Annotated[{}, Plot('a.png', MatplotlibFigure())]: ..."
    )

    assert mistakes(code.replace("{}", "matplotlib.axes.Axes")) == [
        "what is returned: Plot must be Figure, not Axes: write matplotlib.figure.Figure"
    ]
    assert mistakes(code.replace("{}", "str"))[0].startswith(
        "what is returned: Plot must be Figure"
    )
    for kind in ("matplotlib.figure.Figure", "matplotlib.figure.Figure | None", "Any", "'Figure'"):
        assert spec_of(define(code.replace("{}", kind))).outs["return"].kind == "plot"


@pytest.mark.parametrize(
    "paths, found",
    [
        (
            ("Out('a.json', JSON())", "Out('./a.json', JSON())", "Dep('x.json', JSON())"),
            'field "a" and field "b" both write "a.json": give one another path',
        ),
        (
            ("DirectoryOut('d/', JSON())", "Out('d/b.json', JSON())", "Dep('x.json', JSON())"),
            'field "a" and field "b" both write "d/b.json", which is inside "d/": give one another',
        ),
        (
            ("Out('a.json', JSON())", "Out('A.json', JSON())", "Dep('x.json', JSON())"),
            (
                'field "a" and field "b" both write "A.json", which on some systems is the'
                " same file as"
            ),
        ),
        (
            ("Out('a.json', JSON())", "Out('b.json', JSON())", "Dep('a.json', JSON())"),
            (
                'argument "x" reads "a.json", which field "a" writes: if the function goes'
                " on from what"
            ),
        ),
        (
            ("DirectoryOut('d/', JSON())", "Out('b.json', JSON())", "Dep('d/x.json', JSON())"),
            'argument "x" reads "d/x.json", which field "a" writes',
        ),
        (
            ("Out('a.json', JSON())", "Out('b.json', JSON())", "Dep('A.json', JSON())"),
            'argument "x" reads "A.json", which is "a.json" on some systems',
        ),
    ],
    ids=["same", "inside", "case", "read", "read inside", "read in another case"],
)
def test_paths_of_one_stage_that_clash(mistakes, paths, found):
    """Two outputs are not one file, and what is written is not read, unless incrementally."""
    (mistake,) = mistakes(BOTH.format(*paths))

    assert mistake.startswith(found)


def test_a_pattern_that_matches_an_output(mistakes):
    """A stage that reads what it writes would never be done."""
    code = BOTH.format("Out('d/a.json', JSON())", "Metric('m.json')", "Dep(['d/*.json'], JSON())")

    (mistake,) = mistakes(code.replace("x: Annotated[dict", "x: Annotated[list"))

    assert mistake.startswith('argument "x" reads "d/*.json", which field "a" writes')


@pytest.mark.parametrize(
    "paths, found",
    [
        (
            (
                "IncrementalOut('a.json', JSON())",
                "Metric('m.json')",
                "IncrementalOut('b.json', JSON())",
            ),
            (
                'argument "x": IncrementalOut path mismatch: it reads "b.json", and field "a"'
                " writes"
                ' "a.json": use the same path in both annotations'
            ),
        ),
        (
            ("Out('b.json', JSON())", "Metric('m.json')", "IncrementalOut('b.json', JSON())"),
            (
                'argument "x": IncrementalOut path mismatch: it reads "b.json", and no output with'
                " IncrementalOut writes it: use the same path in both annotations"
            ),
        ),
        (
            ("IncrementalOut('a.json', JSON())", "Metric('m.json')", "Dep('b.json', JSON())"),
            (
                'field "a": IncrementalOut path mismatch: no argument reads it: write'
                " Annotated[...,"
                ' IncrementalOut("a.json", ...)] at an argument, too'
            ),
        ),
        (
            (
                "IncrementalOut('a.json', JSON())",
                "IncrementalOut('c.json', JSON())",
                "IncrementalOut('a.json', JSON())",
            ),
            (
                'field "b": IncrementalOut path mismatch: no argument reads "c.json": use the'
                " same path in"
                " both annotations"
            ),
        ),
        (
            (
                "IncrementalOut('a.json', JSON())",
                "Metric('m.json')",
                "IncrementalOut('a.json', YAML())",
            ),
            'argument "x": it is read by YAML',
        ),
    ],
    ids=["other path", "no incremental output", "no incremental input", "one of two", "loader"],
)
def test_incremental_outputs_that_do_not_match(mistakes, paths, found):
    """The same path and the same loader in both annotations."""
    (mistake,) = mistakes(BOTH.format(*paths))

    assert mistake.startswith(found)


@pytest.mark.parametrize(
    "options, found",
    [
        (
            {"dep_path_overrides": {"dta": "b.csv"}},
            'dep_path_overrides has no "dta" to override; did you mean "data"?',
        ),
        (
            {"dep_path_overrides": {"zzz": "b.csv"}},
            'dep_path_overrides has no "zzz" to override; there are data, pair, shards',
        ),
        (
            {"out_path_overrides": {"data": "b.csv"}},
            'out_path_overrides has no "data" to override; there is only return',
        ),
        (
            {"dep_path_overrides": {"data": ["b.csv"]}},
            (
                'argument "data": one path is overridden by one path, not by a list of paths:'
                " ['b.csv']"
                " (in dep_path_overrides)"
            ),
        ),
        (
            {"dep_path_overrides": {"pair": ["a.csv", "b.csv"]}},
            (
                'argument "pair": a tuple of paths is overridden by a tuple of paths, not by a'
                " list of"
                " paths: ['a.csv', 'b.csv'] (in dep_path_overrides)"
            ),
        ),
        (
            {"dep_path_overrides": {"pair": ("a.csv",)}},
            'argument "pair": 2 paths are overridden by as many, not 1 (in dep_path_overrides)',
        ),
        (
            {"dep_path_overrides": {"shards": "a.csv"}},
            (
                'argument "shards": a list of paths is overridden by a list of paths, not by one'
                " path:"
                " 'a.csv' (in dep_path_overrides)"
            ),
        ),
        (
            {"dep_path_overrides": {"data": 3}},
            'argument "data": a path is a text, not 3 (in dep_path_overrides)',
        ),
        (
            {"out_path_overrides": {"return": "../b.csv"}},
            (
                'what is returned: "../b.csv" cannot be a path of the project: a part is ".." (in'
                " out_path_overrides)"
            ),
        ),
        (
            {"out_path_overrides": {"return": "a.csv"}},
            (
                'argument "data" reads "a.csv", which what is returned writes: if the function'
                " goes on"
                " from what it wrote before, annotate both with IncrementalOut"
            ),
        ),
        (
            {"dep_path_overrides": "b.csv"},
            "dep_path_overrides is a dict from names to paths, not 'b.csv'",
        ),
    ],
    ids=[
        "near",
        "list of names",
        "output",
        "list for one",
        "list for a tuple",
        "count",
        "one for a list",
        "number",
        "traversal",
        "own input",
        "no dict",
    ],
)
def test_overrides_that_cannot_be(mistakes, options, found):
    """Unknown names with the nearest one, other shapes and bad paths."""
    code = """
def f(
    data: Annotated[list, Dep("a.csv", CSV())],
    pair: Annotated[tuple, Dep(("b.csv", "c.csv"), CSV())],
    shards: Annotated[list, Dep(["d.csv"], CSV())],
) -> Annotated[list, Out("o.csv", CSV())]: ...
"""
    assert mistakes(code, **options) == [found]


def test_an_incremental_input_is_not_moved_alone(mistakes):
    """Its path is that of the output."""
    code = (
        "def f(c: Annotated[dict, IncrementalOut('c.json', JSON())]) -> Annotated[dict,"
        " IncrementalOut('c.json', JSON())]: ..."
    )

    assert mistakes(code, dep_path_overrides={"c": "b.json"})[0] == (
        'argument "c": IncrementalOut path mismatch: it reads "b.json" and what is returned writes'
        ' "c.json": override both'
    )


def test_overrides_of_a_function_without_files(mistakes):
    """What is given to a plain function is told, not forgotten."""
    assert mistakes("def f(a): ...", dep_path_overrides={"a": "a.csv"}) == [
        'dep_path_overrides has no "a" to override; there is none'
    ]


def test_overrides_of_a_builtin():
    """As for a plain function."""
    with pytest.raises(PipelineConfigError, match='stage "sum": nothing in it says which files'):
        spec_of(sum, dep_path_overrides={"a": "a.csv"})


def test_all_mistakes_at_once(define):
    """Each is one line with the stage's name and the place of the function."""
    code = BOTH.format("Out('a.json')", "DirectoryOut('d', JSON())", "Dep('../x.json', JSON())")

    with pytest.raises(PipelineConfigError) as caught:
        spec_of(define(code), name="fit@v2", dep_path_overrides={"y": "a"})

    assert str(caught.value).splitlines() == [
        (
            'stage "fit@v2", argument "x": "../x.json" cannot be a path of the project: a part'
            ' is ".."'
            " (flow.py:14)"
        ),
        'stage "fit@v2", field "a": loader is required: write Out("a.json", JSON()) (flow.py:14)',
        'stage "fit@v2", field "b": DirectoryOut path must end with \'/\': write "d/" (flow.py:14)',
        'stage "fit@v2": dep_path_overrides has no "y" to override; there is only x (flow.py:14)',
    ]
