from __future__ import annotations

import os
import sys

import pytest

from pypedream.cli.load import loaded
from pypedream.cli.locate import pipeline_files, target_of

NAMING = """
import os
from pypedream import Pipeline

flow = Pipeline("p")

class Own:
    def __dir__(self):
        return ["name"]

own = Own()

def load():
    return 1

def inside():
    local = 1
    return locl

def unbound():
    print(later)
    later = 1

"""


def defining(*names: str) -> str:
    lines = [f'{name} = Pipeline("{name}")' for name in names]
    return "\n".join(["from pypedream import Pipeline", *lines]) + "\n"


def name_of(text: str | None) -> str:
    with loaded(text, debug=False) as found:
        return found.pipeline.name


@pytest.mark.parametrize(
    "text, name",
    [
        ("flows.py", "only"),
        ("flows.py:only", "only"),
        ("./flows.py", "only"),
        ("flows", "only"),
        ("flows:only", "only"),
        ("many.py:second", "second"),
        ("package.inner", "inner"),
        ("package.inner:inner", "inner"),
        ("package/inner.py", "inner"),
        ("sub", "sub"),
        ("my-flow.v2.py", "odd"),
    ],
)
def test_a_pipeline_is_found_by_file_folder_or_module(write, text, name):
    """Each form that a user would try means what it seems to mean."""
    write("flows.py", defining("only"))
    write("many.py", defining("first", "second"))
    write("package/__init__.py", "")
    write("package/inner.py", defining("inner"))
    write("sub/pipeline.py", defining("sub"))
    write("my-flow.v2.py", defining("odd"))

    assert name_of(text) == name


@pytest.mark.parametrize("word", [".", "..", "./"])
def test_a_folder_with_a_pipeline_may_be_that_one(invoke, flow, monkeypatch, word):
    """For commands that take stages as well."""
    (flow.parent / "sub").mkdir()
    monkeypatch.chdir(flow.parent / "sub" if word == ".." else flow.parent)

    assert [invoke(each, word).exit_code for each in ("run", "repro", "plan")] == [0, 0, 0]


def test_an_absolute_path_will_do(write):
    """The colon of a drive or the slash of the root is no name of a pipeline."""
    path = write("flows.py", defining("only"))

    assert name_of(str(path)) == "only"
    assert name_of(f"{path}:only") == "only"


def test_pipeline_py_comes_first(write):
    """It is the usual file, however many others there are."""
    write("pipeline.py", defining("usual"))
    write("other.py", defining("other"))

    assert name_of(None) == "usual"


def test_the_only_file_that_defines_a_pipeline_is_found(write):
    """Files that use pypedream in another way do not count, nor do broken files of others."""
    write("flows.py", defining("only"))
    write("uses.py", "import pypedream\n\ndef make():\n    return pypedream.Pipeline('inner')\n")
    write("broken.py", "import json (\n")
    write("test_flows.py", "from flows import only\nimport pypedream\n")

    assert name_of(None) == "only"


def test_finding_files_imports_nothing(write, folder):
    """What a file would do is not done."""
    write("flows.py", defining("only") + "raise SystemExit\n")

    assert [path.name for path in pipeline_files(folder)] == ["flows.py"]
    assert target_of(None).file == folder / "flows.py"


def test_a_pipeline_that_is_included_is_not_the_one_to_run(write):
    """A pipeline that the file imports gives way to its own; two names of one are one."""
    write("bronze.py", defining("bronze"))
    write("gold.py", "from bronze import bronze\n" + defining("gold") + "same = gold\n")

    assert name_of("gold.py") == "gold"
    assert name_of("gold.py:bronze") == "bronze"


def test_a_file_that_only_collects_may_be_run(write):
    """If the file has no pipeline of its own, an imported one is meant."""
    write("bronze.py", defining("bronze"))
    write("main.py", "from bronze import bronze\n")

    assert name_of("main.py") == "bronze"


def test_the_file_is_imported_under_its_own_name(write):
    """So the block for scripts is not run, and what it defines can be pickled."""
    write(
        "flows.py",
        defining("only") + "import pickle\nclass Row: pass\n"
        "only.name = f'{__name__} {type(pickle.loads(pickle.dumps(Row()))).__module__}'\n"
        "if __name__ == '__main__':\n    raise SystemExit\n",
    )

    assert name_of("flows.py") == "flows flows"


def test_modules_beside_the_file_can_be_imported(write):
    """The folder of the file comes first, wherever the command is given."""
    write("sub/names.py", "NAME = 'from beside'\n")
    write("sub/flows.py", defining("only") + "import names\nonly.name = names.NAME\n")

    assert name_of("sub/flows.py") == "from beside"


def test_nothing_of_the_file_is_left_in_the_process(write):
    """Search path and modules are as before; so two files of one name do not meet."""
    write("one/pipeline.py", "import beside\n" + defining("first"))
    write("one/beside.py", "")
    write("two/pipeline.py", "import beside\n" + defining("second"))
    write("two/beside.py", "")
    paths, modules = list(sys.path), set(sys.modules)

    names = [name_of("one"), name_of("two")]

    assert names == ["first", "second"]
    assert sys.path == paths
    assert {"pipeline", "beside"}.isdisjoint(sys.modules.keys() - modules)


def test_a_module_of_that_name_stays_what_it_is(write):
    """A file called like a module that is in use does not replace it."""
    write("json.py", defining("only"))
    ours = sys.modules["json"]

    assert name_of("json.py") == "only"
    assert sys.modules["json"] is ours


def test_the_file_is_read_anew_and_not_cached(write, folder):
    """A change within the same second counts, and no __pycache__ appears for the file."""
    path = write("flows.py", defining("a"))
    status = path.stat()
    first = name_of("flows.py")
    path.write_text(defining("b"), encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert (first, name_of("flows.py")) == ("a", "b")
    assert not (folder / "__pycache__").exists()


def test_a_file_that_runs_itself_is_told_so(invoke, write):
    """It would run twice, once without a record: a note says how to avoid that."""
    write("pipeline.py", defining("own") + "@own.stage\ndef one():\n    return 1\nown.run()\n")

    result = invoke("plan")

    assert result.exit_code == 0
    assert result.stderr.startswith("note: pipeline.py runs its pipeline when it is imported")


MAKERS = {
    "flows.py:build()": "cannot load flows.py: flows.py:3: ValueError: not today",
    "flows.py:of()": (
        'flows.py:of() needs "size", and it is called without arguments: give that a default'
    ),
    "flows.py:build": (
        "flows.py:build is no Pipeline but of type function: write"
        ' "flows.py:build()" if it makes one'
    ),
}


@pytest.mark.parametrize("text", MAKERS)
def test_a_function_that_makes_no_pipeline_is_refused_in_a_line(write, invoke, text):
    """What it raised has its line; what it needs is named."""
    write(
        "flows.py",
        """
        def build():
            raise ValueError("not today")

        def of(size, *more, **others):
            return size
        """,
    )

    result = invoke("run", text)

    assert result.exit_code == 2, result.output
    assert MAKERS[text] in result.stderr


@pytest.mark.parametrize("module", ["helper.py", "package/helper.py"])
def test_a_helper_that_is_saved_again_within_a_second_is_run_as_it_is(write, monkeypatch, module):
    """Python compares sizes and whole seconds, and would go on with the old one for good."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    name = module.removesuffix(".py").replace("/", ".")
    write("flow.py", f"import pypedream, {name}\nf = pypedream.Pipeline({name}.NAME)\n")
    path = write(module, "NAME = 'a'\n")
    second = int(path.stat().st_mtime)
    os.utime(path, (second + 0.1, second + 0.1))
    assert name_of("flow.py") == "a"

    path.write_text("NAME = 'b'\n")
    os.utime(path, (second + 0.9, second + 0.9))

    assert name_of("flow.py") == "b"


def test_the_bytecode_of_a_helper_that_stays_is_kept(write, monkeypatch):
    """So a helper is compiled once, and not for each command."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write("flow.py", "import pypedream, helper\nf = pypedream.Pipeline('a')\n")
    path = write("helper.py", "")
    os.utime(path, (path.stat().st_mtime - 60,) * 2)

    name_of("flow.py")

    assert [each.name.partition(".")[0] for each in path.parent.glob("__pycache__/*")] == ["helper"]


@pytest.mark.parametrize(
    "line, said",
    [
        ("prit('x')", "NameError: name 'prit' is not defined; did you mean \"print\"?"),
        ("flow.register(lod)", "NameError: name 'lod' is not defined; did you mean \"load\"?"),
        ("inside()", "NameError: name 'locl' is not defined; did you mean \"local\"?"),
        ("flow.regster(load)", "'Pipeline' object has no attribute 'regster'; did you mean \"regi"),
        ("Pipeline.registr", "'Pipeline' has no attribute 'registr'; did you mean \"register\"?"),
        ("os.pth", "module 'os' has no attribute 'pth'; did you mean \"path\"?"),
        ("from pypedream import Pipelin", '__init__.py); did you mean "Pipeline"?'),
    ],
)
def test_a_misspelt_name_is_told_with_the_nearest(write, invoke, line, said):
    """Of those that there are at that line."""
    write("pipeline.py", f"{NAMING}{line}\n")

    result = invoke("repro")

    assert result.exit_code == 2
    assert result.stderr.startswith("error: cannot load pipeline.py: pipeline.py:")
    assert said in result.stderr


@pytest.mark.parametrize(
    "line, said",
    [
        ("qqqqqqqq", "NameError: name 'qqqqqqqq' is not defined\n"),
        ("unbound()", "where it is not associated with a value\n"),
        ("own.nam", "AttributeError: 'Own' object has no attribute 'nam'\n"),
        ("from nowhere import x", "No module named 'nowhere'; install it, or correct the name\n"),
        ("raise AttributeError('mine')", "AttributeError: mine\n"),
    ],
)
def test_no_name_is_made_up(write, invoke, line, said):
    """Where nothing is near, or the error is about no name; a class is not asked for its names."""
    write("pipeline.py", f"{NAMING}{line}\n")

    assert invoke("repro").stderr.endswith(said)
