from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import asdict

import pypedream
from pypedream.errors import DefinitionError
from pypedream.tabular import (
    ExecutionMode,
    IngestedFileRecord,
    IngestFileSpec,
    StepExecutionMode,
)


def test_a_spec_has_the_defaults_of_the_seed() -> None:
    """A spec needs a name, a pattern and a schema; the file is UTF-8 with a header."""
    spec = IngestFileSpec("schools", "*.csv", None)

    assert (spec.encoding, spec.has_header, spec.column_names) == ("utf-8", True, None)
    assert (spec.preprocess, spec.optional) == (None, False)
    assert (spec.on_error, spec.max_errors) == ("fail", None)


def test_the_order_of_arguments_is_that_of_the_seed() -> None:
    """All that has a place can be given by it."""
    spec = IngestFileSpec("schools", "*.csv", None, "cp1252", False, ["a", "b"], None, True)

    assert spec == IngestFileSpec(
        name="schools",
        source_pattern="*.csv",
        schema=None,
        encoding="cp1252",
        has_header=False,
        column_names=("a", "b"),
        optional=True,
    )


@pytest.mark.parametrize(
    "given, match",
    [
        pytest.param({"name": ""}, "cannot be the name of a file", id="no name"),
        pytest.param({"name": "a/b"}, "cannot be the name of a file", id="a path"),
        pytest.param({"name": ".a"}, "begin with a letter or a digit", id="hidden"),
        pytest.param({"source_pattern": " "}, 'the file "x" needs a source_pattern', id="pattern"),
        pytest.param({"source_pattern": "a/*.csv"}, "which names a folder", id="folder"),
        pytest.param({"preprocess": "x"}, "preprocess='x': give a function", id="preprocess"),
        pytest.param({"encoding": ""}, "by which Python reads no text", id="no encoding"),
        pytest.param({"encoding": "base64"}, "by which Python reads no text", id="no text"),
        pytest.param({"encoding": "utf-9"}, "the encoding 'utf-9', by which", id="encoding"),
        pytest.param({"has_header": False}, "so it needs column_names=", id="no names"),
        pytest.param({"column_names": ["a"]}, "has a header, which names its", id="names twice"),
        pytest.param(
            {"column_names": ["a"], "has_header": False, "preprocess": list},
            'the file "x" has column_names=, which do not count where preprocess= reads it',
            id="names of a frame",
        ),
        pytest.param({"separator": ";;"}, "give one character", id="separator"),
        pytest.param({"separator": '"'}, "give one character", id="quote"),
        pytest.param({"separator": None}, "the separator None: give one", id="no separator"),
        pytest.param({"name": 3}, "3 cannot be the name of a file", id="a number"),
        pytest.param({"name": None}, "None cannot be the name of a file", id="nothing"),
        pytest.param({"name": "a" * 201}, "a name of at most 200 letters", id="long"),
        pytest.param({"source_pattern": None}, "source_pattern=None: give a", id="no pattern"),
        pytest.param({"source_pattern": Path("a.csv")}, r"a\.csv.*: give a text", id="a Path"),
        pytest.param({"source_pattern": ["a.csv"]}, r"=\['a\.csv'\]: give a text", id="patterns"),
        pytest.param({"source_pattern": r"in\a.csv"}, "which names a folder", id="of Windows"),
        pytest.param({"has_header": "no"}, "has_header='no': give True or False", id="header"),
        pytest.param({"has_header": None}, "has_header=None: give True or False", id="no header"),
        pytest.param({"optional": "no"}, "optional='no': give True or False", id="optional"),
        pytest.param({"column_names": 3}, r"column_names=3: give texts, such as", id="one name"),
        pytest.param({"column_names": [1, 2]}, r"column_names=\(1, 2\): give texts", id="numbers"),
        pytest.param({"column_names": {"a"}}, r"=\{'a'\}: give texts, such as", id="no order"),
        pytest.param({"null_values": -9}, r"null_values=-9: give texts, such as", id="one null"),
        pytest.param({"null_values": [-9]}, r"null_values=\(-9,\): give texts", id="nulls"),
        pytest.param({"null_values": None}, r"null_values=None: give texts", id="no nulls"),
        pytest.param({"formats": "%d-%m-%Y"}, "='%d-%m-%Y': give a mapping", id="one format"),
        pytest.param({"formats": None}, "formats=None: give a mapping", id="no formats"),
        pytest.param({"formats": {"day": 3}}, "has 3 as the format of the", id="a number as it"),
        pytest.param({"formats": {"day": "dd-mm"}}, "'dd-mm' as .* 'day': write", id="letters"),
        pytest.param({"on_error": "skip"}, "give 'fail' or 'quarantine'", id="on_error"),
        pytest.param({"max_errors": 3}, "which needs on_error='quarantine'", id="no quarantine"),
        pytest.param({"on_error": "quarantine", "max_errors": 1.5}, "a float below 1", id="share"),
        pytest.param({"on_error": "quarantine", "max_errors": -1}, "rows as an int", id="count"),
        pytest.param({"on_error": "quarantine", "max_errors": "5"}, "rows as an int", id="text"),
        pytest.param({"on_error": "quarantine", "max_errors": math.nan}, "as an int", id="nan"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, object], match: str) -> None:
    """A spec that cannot be says so when it is made, with the name of the file and the fix."""
    with pytest.raises(DefinitionError, match=match):
        IngestFileSpec(**{"name": "x", "source_pattern": "*.csv", "schema": None, **given})


def test_a_text_is_one_null_value() -> None:
    """One text where several may be is not taken for its letters."""
    assert IngestFileSpec("x", "*.csv", None, null_values="NA").null_values == ("NA",)


def test_a_record_is_the_same_after_json() -> None:
    """What is known of a file can be written as JSON and read again."""
    record = IngestedFileRecord("x", "a.csv", "a.parquet", 3, 2, 40, "ab", 1, "rejects.csv")

    assert IngestedFileRecord(**json.loads(json.dumps(asdict(record)))) == record


def test_who_says_what_is_expected_loads_no_polars() -> None:
    """Nor pandera: a schema brings it along."""
    code = (
        "import sys; from pypedream.tabular import IngestFileSpec, match_files;"
        " print({'polars', 'pandera'} & {*sys.modules})"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(pypedream.__file__).parents[1])}

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )

    assert done.stdout == "set()\n"


def test_modes_are_texts() -> None:
    """A mode is the text that it stands for, also in another process."""
    assert [*ExecutionMode] == [*StepExecutionMode] == ["serial", "parallel"]
    assert pickle.loads(pickle.dumps(ExecutionMode.SERIAL)) is ExecutionMode.SERIAL
