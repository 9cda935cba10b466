from __future__ import annotations

import ast
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pypedream.errors import ExportError
from pypedream.export.code import call, docstring, folded, laid_out, literal

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # surrogates alone are no text that a file could have, but as escapes they are
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_a_literal_is_the_value_again(value):
    """Whatever JSON can hold; the text itself can be written as UTF-8."""
    text = laid_out(literal(value))

    assert ast.literal_eval(text) == value
    assert text.encode()


@given(st.text(st.characters(codec=None)) | st.text('"\\\n'))
@example('"')
@example('x"""')
def test_a_docstring_is_one_literal(text):
    """No text ends it before its end, and it begins with what was said."""
    module = ast.parse(docstring(text))
    said = ast.get_docstring(module, clean=False)

    lines = [line.rstrip() for line in text.strip().split("\n")]
    assert len(module.body) == 1
    assert said is not None
    assert said.split("\n")[: len(lines)] == lines


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, {1: 2}, (1,), b"x", object()],
    ids=lambda each: type(each).__name__,
)
def test_what_json_cannot_hold_is_no_literal(value):
    """It would be another value, or no Python at all."""
    with pytest.raises(ExportError, match="cannot be written as JSON is"):
        literal(value)


def test_what_is_too_long_has_an_item_a_line():
    """With a comma behind the last one, so that formatters keep it so."""
    code = call("Param", [literal("x" * 60)], {"type": literal("string"), "of": literal([1, 2])})

    assert laid_out(code, 1, '"a": ', ",").splitlines() == [
        '    "a": Param(',
        f'        "{"x" * 60}",',
        '        type="string",',
        "        of=[1, 2],",
        "    ),",
    ]


def test_what_formatters_would_change_is_as_they_have_it():
    """Exponents without a plus, and no quote behind the quotes of a docstring."""
    assert str(literal([1e30, 1e-7])) == "[1e30, 1e-07]"
    assert docstring('"a" and "b"') == '"""\\"a" and "b\\""""'


def test_nothing_has_no_lines():
    """Empty brackets stay on one line."""
    assert folded(call("f"), 1) == "    f()"
