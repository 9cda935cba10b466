from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypedream.tabular.steps import StepDefinition, StepKind, slugify_step_label


@pytest.mark.parametrize(
    "label, step_id",
    [
        ("Add one", "add-one"),
        ("  Drop: small (<3) ", "drop-small-3"),
        ("Größe", "gr-e"),
        ("!", "step"),
        ("", "step"),
    ],
)
def test_the_id_of_a_step_is_made_from_its_label(label, step_id):
    """Lower-case letters and digits, with a hyphen for all else."""
    assert slugify_step_label(label) == step_id


@given(label=st.text())
def test_an_id_is_its_own_id(label):
    """And can be the name of a folder, whatever the label was."""
    step_id = slugify_step_label(label)

    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", step_id)
    assert slugify_step_label(step_id) == step_id


@pytest.mark.parametrize("label", [None, 3])
def test_a_label_is_a_text(label):
    """Anything else is refused in a line."""
    with pytest.raises(TypeError, match=f"^the label of a step is a text, not {label}$"):
        slugify_step_label(label)


def test_a_step_is_no_filter_unless_it_is_said():
    """And gets a list of files."""
    step = StepDefinition("x", "X", print, (), ())

    assert (step.kind, step.is_by_name, step.file_names) == (StepKind.STEP, False, ())
    assert StepKind.FILTER == "filter"
