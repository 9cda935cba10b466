from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pypedream import Parameters, Pipeline, Secret
from pypedream.errors import ExportError

ROOT = Path(__file__).parents[2]


def run_pytest(file: Path, **environment: str) -> str:
    """Run pytest on a file or folder from another folder; return what it says."""
    elsewhere = file.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-rs", "-p", "no:cacheprovider", str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    return done.stdout + done.stderr


def raised(file: Path) -> list[str]:
    """Return the exceptions that the tests of a file or folder end with."""
    return re.findall(r"^E +(\w+: .*)$", run_pytest(file), re.MULTILINE)


def test_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


test_of.__test__ = False  # type: ignore[attr-defined]


def is_formatted(file: Path) -> bool:
    """Say whether ruff would leave a file as it is; true where there is no ruff."""
    ruff = shutil.which("ruff")
    for command in (["check", "--select=E4,E7,E9,F,I"], ["format", "--check"]) if ruff else ():
        line = [str(ruff), *command, "--isolated", "--no-cache", file.name]
        done = subprocess.run(line, cwd=file.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + test_of(file)
    return True


# Scripts and modules

STAGES = """
from pypedream import Parameters, Pipeline

flow = Pipeline("co2", Parameters.define(last_year=2001), progress=False)

@flow.stage
def load(last_year):
    return {1959: 315.98, 1990: 354.45, 2001: 371.32}

@flow.stage
def growth(load, last_year):
    return (load[last_year] - load[1959]) / (last_year - 1959)
"""
ENDING = """
    try:
        flow.run(last_year=1980)
    except KeyError:
        print(flow.last_run.failure.to_test(r"{}"))
"""
WAYS = {
    "script": (["growth_rates.py"], "growth_rates.py"),
    "script-of-any-name": (["growth-rates.py"], "growth-rates.py"),
    "script-named-like-python": (["code.py"], "code.py"),
    "module": (["-c", "import co2.rates as m; m.main()"], "co2/rates.py"),
    "started-module": (["-m", "co2.rates"], "co2/rates.py"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_test_fails_until_the_function_is_fixed(tmp_path, way):
    """Wherever the function is written, the test raises what the run raised, and then passes."""
    command, name = WAYS[way]
    source, file = tmp_path / "src" / name, tmp_path / "tests" / "test_growth.py"
    source.parent.mkdir(parents=True)
    file.parent.mkdir()
    main = f'\n\ndef main():{ENDING.format(file)}\nif __name__ == "__main__":\n    main()\n'
    source.write_text(STAGES + main, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-B", *command],
        capture_output=True,
        text=True,
        cwd=tmp_path / "src",
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path / 'src'}"},
        check=True,
    )

    assert done.stdout == f"{file}\n"
    assert is_formatted(file)
    assert raised(file) == ["KeyError: 1980"]
    fixed = source.read_text(encoding="utf-8").replace("load[last_year]", "load.get(last_year, 0)")
    source.write_text(fixed, encoding="utf-8")
    assert "1 passed" in run_pytest(file)


def test_the_test_moves_with_the_project(tmp_path):
    """Files are named as seen from the test, and none by its place on this machine."""
    (tmp_path / "here" / "tests").mkdir(parents=True)
    source = tmp_path / "here" / "rates.py"
    ending = ENDING.format("tests/test_growth.py")
    source.write_text(f"{STAGES}\nif __name__ == '__main__':{ending}", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-B", source.name]
    subprocess.run(line, cwd=source.parent, env=environment, check=True, capture_output=True)

    (tmp_path / "here").rename(tmp_path / "there")
    file = tmp_path / "there" / "tests" / "test_growth.py"

    assert str(tmp_path) not in test_of(file)
    assert raised(file) == ["KeyError: 1980"]


def test_a_script_that_runs_its_pipeline_when_imported_is_refused(tmp_path):
    """The message names the line and the fix, and nothing is written."""
    source = tmp_path / "rates.py"
    source.write_text(STAGES + ENDING.format("test_x.py").replace("\n    ", "\n"), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-B", source.name],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.splitlines()[-1] == (
        'pypedream.errors.ExportError: no test is written for stage "growth": rates.py:17 runs the'
        " pipeline when its file is imported, as a test does: put that under"
        ' if __name__ == "__main__":'
    )
    assert [each.name for each in tmp_path.iterdir()] == ["rates.py"]


def test_a_function_that_is_not_there_on_import_is_refused(tmp_path):
    """What a script defines only when it is started cannot be imported from it."""
    source = tmp_path / "rates.py"
    body = """
from pypedream import Pipeline
if __name__ == "__main__":
    flow = Pipeline("one", progress=False)
    @flow.stage
    def broken():
        return {}[1]
    flow.run(on_error="continue").failure.to_test("test_x.py")
"""
    source.write_text(body, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-B", source.name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert '"broken" is defined under if __name__ == "__main__"' in done.stderr.splitlines()[-1]
    assert [each.name for each in tmp_path.iterdir()] == ["rates.py"]


# Values: the stages are functions of this module


def fails(*_: Any, **__: Any) -> Any:
    raise LookupError("no such year")


def takes_one(rows):
    return fails(rows)


def takes_by_position(rows, factor, /, year=3):
    return rows[factor] / (year - 3)


def takes_secret(token):
    raise ValueError(f"{token.reveal()} is refused")


def takes_password(password):
    raise ValueError("refused")


async def waits(rows):
    return fails(rows)


def gives(rows):
    yield fails(rows)


async def gives_later(rows):
    yield fails(rows)


def changes_rows(rows):
    rows.append(3)
    raise ValueError(len(rows))


class Model:
    def __init__(self, rate: float) -> None:
        self.rate = rate

    def fit(self, rows):
        return rows / (self.rate - 2)

    def __call__(self, rows):
        return self.fit(rows)

    @classmethod
    def load(cls, rows):
        return fails(rows)


def failure_of(function: Any, **parameters: Any) -> Any:
    """Run a pipeline of one stage that fails."""
    flow = Pipeline("one", Parameters.define(**parameters), progress=False)
    flow.stage(function, name="one")
    return flow.run(on_error="continue").failure


FUNCTIONS = {
    "positional": (takes_by_position, {"rows": [1, 2], "factor": 1}, "takes_by_position([1, 2], 1"),
    "coroutine": (waits, {"rows": 1}, "asyncio.run(call)"),
    "generator": (gives, {"rows": 1}, "list(call)"),
    "async-generator": (gives_later, {"rows": 1}, "asyncio.run(collected(call))"),
    "partial": (partial(takes_by_position, [1, 2], year=3), {"factor": 1}, "([1, 2], 1, year=3)"),
    "class-method": (Model.load, {"rows": 1}, "Model.load(rows=1)"),
    "method": (Model(2).fit, {"rows": 1}, "Model.fit("),
    "object": (Model(2), {"rows": 1}, "Model.__call__("),
    "builtin": (len, {"obj": 3}, "len(3)"),
    "library": (shutil.copyfile, {"src": "/nowhere/a", "dst": "b"}, 'copyfile(src="/nowhere/a"'),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_function_is_called_as_the_run_called_it(tmp_path, monkeypatch, name):
    """The test raises what the run raised, whatever kind of function the stage is."""
    function, parameters, text = FUNCTIONS[name]
    failure = failure_of(function, **parameters)

    file = failure.to_test(tmp_path / "test_one.py")

    assert text in test_of(file)
    assert is_formatted(file)
    monkeypatch.setattr(sys, "path", list(sys.path))
    [call] = [each for each in runpy.run_path(str(file)).items() if each[0].startswith("test_")]
    with pytest.raises(type(failure.error), match=re.escape(str(failure.error))):
        call[1]()


def test_arrays_and_frames_are_files_beside_the_test(tmp_path):
    """What is no small plain value is written in the format that keeps it, and read by the test."""
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"year": [1959, 1990], "ppm": [315.98, 354.45]})
    rows = {"array": numpy.arange(3.0), "frame": frame}

    first = failure_of(takes_one, rows=rows["array"]).to_test(tmp_path / "test_array.py")
    second = failure_of(takes_one, rows=rows["frame"]).to_test(tmp_path / "test_frame.py")
    third = failure_of(takes_one, rows=rows).to_test(tmp_path / "test_both.py")

    assert 'rows=formats.get("npy").load(INPUTS / "rows.npy")' in test_of(first)
    assert 'rows=formats.get("feather").load(INPUTS / "rows.feather")' in test_of(second)
    assert 'rows=formats.get("pickle").load(INPUTS / "rows.pickle")' in test_of(third)
    assert raised(tmp_path) == ["LookupError: no such year"] * 3
    for file in (first, second, third):
        assert len(list(file.with_name(f"{file.stem}_inputs").iterdir())) == 1


def test_the_same_failure_is_written_in_the_same_way(tmp_path):
    """A test can be under version control: nothing in it is of the moment."""
    failure = failure_of(takes_one, rows={"b", "a", "c"})

    first = failure.to_test(tmp_path / "test_one.py").read_bytes()
    second = failure.to_test(tmp_path / "test_one.py", overwrite=True).read_bytes()

    assert first == second
    assert b'rows={"a", "b", "c"}' in first


def test_the_text_of_an_error_cannot_end_the_docstring(tmp_path):
    """Whatever an error says, the file is Python."""
    text = 'a """ and a \\ and \x00 and "'

    file = failure_of(partial(raise_text, text), rows=1).to_test(tmp_path / "test_one.py")

    assert "1 failed" in run_pytest(file)
    assert is_formatted(file)


def raise_text(text, rows):
    raise ValueError(text)


# Refusals


@pytest.mark.parametrize(
    "function, rows, message",
    [
        (takes_one, lambda: 1, 'argument "rows" is of type function, which cannot be written'),
        (takes_one, {"password": "abcd-1234"}, 'argument "rows" holds "password", which sounds'),
        (takes_one, [Secret("abcd-1234")], 'argument "rows" holds a secret'),
        (takes_one, Secret({"a": "abcd-1234"}), 'argument "rows" is a secret of type dict'),
        (lambda rows: rows[0], 3, "a lambda has no name by which a test could import it"),
    ],
    ids=["unwritable", "key", "secret-inside", "secret-not-text", "lambda"],
)
def test_what_cannot_be_in_a_test_is_refused(tmp_path, function, rows, message):
    """The message names the argument and why; no file and no folder is left."""
    failure = failure_of(function, rows=rows)

    with pytest.raises(ExportError, match=re.escape(message)):
        failure.to_test(tmp_path / "test_one.py")

    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_what_was_there(tmp_path):
    """With overwrite=True the old test and its inputs stay until the new ones are complete."""
    file = failure_of(takes_one, rows=list(range(1000))).to_test(tmp_path / "test_one.py")
    before = test_of(file)

    with pytest.raises(ExportError, match="cannot be written"):
        failure_of(takes_one, rows=lambda: 1).to_test(file, overwrite=True)

    assert test_of(file) == before
    assert sorted(each.name for each in tmp_path.rglob("*")) == [
        "rows.json",
        "test_one.py",
        "test_one_inputs",
    ]


def test_a_secret_is_read_from_the_environment(tmp_path):
    """The file does not have it, the test is skipped without it and says which variable to set."""
    failure = failure_of(takes_secret, token=Secret("abcd-1234"))

    file = failure.to_test(tmp_path / "test_one.py")

    assert "abcd" not in test_of(file)
    assert is_formatted(file)
    assert "set TOKEN: a secret is not written down" in run_pytest(file)
    assert "ValueError: mine is refused" in run_pytest(file, TOKEN="mine")


@pytest.mark.parametrize("more", [0, 2000], ids=["in-the-test", "in-a-file"])
def test_the_value_of_a_secret_is_found_in_other_inputs(tmp_path, more):
    """What a secret was put into is not written down either."""
    flow = Pipeline("one", Parameters.define(token=Secret("abcd-1234")), progress=False)
    flow.stage(lambda token: [f"?key={token.reveal()}", *range(more)], name="rows")
    flow.stage(takes_one)

    failure = flow.run(on_error="continue").failure

    with pytest.raises(ExportError, match='argument "rows" holds the value of a secret'):
        failure.to_test(tmp_path / "test_one.py")
    assert list(tmp_path.iterdir()) == []


def test_text_under_a_name_that_sounds_secret_is_a_secret(tmp_path):
    """A password that nobody called a Secret is read from the environment, too."""
    failure = failure_of(takes_password, password="abcd-1234")

    text = test_of(failure.to_test(tmp_path / "test_one.py"))

    assert "takes_password(password=PASSWORD)" in text
    assert "abcd" not in text


@pytest.mark.parametrize(
    "name, message",
    [
        ("test_one.py", "test_one.py exists: give another path, or overwrite=True"),
        ("missing/test_one.py", "there is no folder .*missing: make it first"),
        ("test_one.txt", "test_one.txt is no name for a test"),
    ],
    ids=["exists", "no-folder", "no-python"],
)
def test_a_path_that_does_not_fit_is_refused(tmp_path, name, message):
    """A file of the user is never lost."""
    (tmp_path / "test_one.py").write_text("mine", encoding="utf-8")

    with pytest.raises(ExportError, match=message):
        failure_of(takes_one, rows=1).to_test(tmp_path / name)

    assert test_of(tmp_path / "test_one.py") == "mine"


def test_the_folder_of_inputs_is_not_overwritten_either(tmp_path):
    """A folder of the same name may be somebody else's."""
    (tmp_path / "test_one_inputs").mkdir()

    with pytest.raises(ExportError, match="test_one_inputs exists"):
        failure_of(takes_one, rows=1).to_test(tmp_path / "test_one.py")

    assert len(list(tmp_path.iterdir())) == 1


def test_the_file_of_the_function_is_never_overwritten():
    """Not even when that is asked for."""
    before = Path(__file__).read_bytes()

    with pytest.raises(ExportError, match="is the file that has the function itself"):
        failure_of(takes_one, rows=1).to_test(__file__, overwrite=True)

    assert Path(__file__).read_bytes() == before


def test_what_pypedream_raised_is_no_failure_of_the_function(tmp_path):
    """A stage that took too long raises nothing when it is called alone."""
    flow = Pipeline("slow", progress=False)

    @flow.stage(timeout_s=0.01)
    async def wait():
        import asyncio

        await asyncio.sleep(5)

    failure = flow.run(on_error="continue").failure

    with pytest.raises(ExportError, match="StageTimeout was raised by pypedream"):
        failure.to_test(tmp_path / "test_one.py")


def test_an_input_that_was_changed_in_place_is_said_to_be(tmp_path):
    """The values are those of now, and the test says when they are known to be others."""
    flow = Pipeline("changed", progress=False)
    flow.stage(lambda: [1, 2], name="rows")
    flow.stage(changes_rows, name="one")
    flow.stage(lambda rows: rows, name="other")

    failure = flow.run(on_error="continue").failure
    text = test_of(failure.to_test(tmp_path / "test_one.py"))

    assert failure.inputs["rows"].is_changed
    assert '# "rows" was changed in place during the call: this is how it was afterwards' in text
    assert "changes_rows(rows=[1, 2, 3])" in text
