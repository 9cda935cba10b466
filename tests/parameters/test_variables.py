from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pypedream.errors import UndefinedVariableException
from pypedream.parameters import Variables


def test_variables_are_read_and_set() -> None:
    """A variable is read and set as an item or an attribute."""
    variables = Variables.define(rows=0, name="a").start()

    variables["rows"] = 52
    variables.name = "b"

    assert dict(variables) == {"rows": 52, "name": "b"}
    assert variables.rows == variables["rows"] == 52


def test_two_runs_never_meet() -> None:
    """What one run sets or changes in place reaches neither another run nor the definition."""
    definition = Variables.define(rows=0, seen=[], table={"a": [1]})
    first, second = definition.start(), definition.start()

    first.rows = 1
    first.seen.append(1)
    first.table["a"].append(2)

    assert dict(second) == dict(definition) == {"rows": 0, "seen": [], "table": {"a": [1]}}


@pytest.mark.parametrize(
    "use",
    [
        lambda variables: variables["row"],
        lambda variables: variables.row,
        lambda variables: variables.__setitem__("row", 1),
        lambda variables: setattr(variables, "row", 1),
        lambda variables: variables.update(rows=1, row=1),
        lambda variables: variables.change("row", int),
        lambda variables: variables.setdefault("row", 1),
        lambda variables: variables.pop("row"),
    ],
    ids=["get", "getattr", "set", "setattr", "update", "change", "setdefault", "pop"],
)
def test_unknown_variable(use: object) -> None:
    """A name that is no variable is an error with the nearest one, and sets nothing."""
    variables = Variables.define(rows=0).start()
    assert callable(use)

    with pytest.raises(UndefinedVariableException, match='"row"; did you mean "rows"'):
        use(variables)

    assert dict(variables) == {"rows": 0}


def test_unknown_variable_is_no_attribute() -> None:
    """Code that asks whether there is an attribute gets an answer."""
    variables = Variables.define(rows=0)

    assert not hasattr(variables.start(), "row")
    assert variables.get("row") is None
    with pytest.raises(UndefinedVariableException, match=r"define it with Variables\.define"):
        variables["xyz"]


@pytest.mark.parametrize(
    "delete",
    [
        lambda variables: variables.__delitem__("rows"),
        lambda variables: delattr(variables, "rows"),
        lambda variables: variables.pop("rows"),
        lambda variables: variables.popitem(),
        lambda variables: variables.clear(),
    ],
    ids=["del", "delattr", "pop", "popitem", "clear"],
)
def test_variable_cannot_be_deleted(delete: object) -> None:
    """Deleting is an error that says what to do instead."""
    variables = Variables.define(rows=3).start()
    assert callable(delete)

    with pytest.raises(TypeError, match='variable "rows" cannot be deleted: set it to None'):
        delete(variables)

    assert variables.rows == 3


def test_change_is_atomic() -> None:
    """No change is lost when many threads change one variable."""
    variables = Variables.define(count=0).start()

    with ThreadPoolExecutor(8) as pool:
        for _ in range(800):
            pool.submit(variables.change, "count", lambda count: count + 1)

    assert variables.count == 800


def test_lock_makes_several_steps_one() -> None:
    """Who holds the lock can read and set without anybody in between."""
    variables = Variables.define(count=0).start()

    def count() -> None:
        with variables.lock:
            variables.count = variables.count + 1
            variables.change("count", lambda count: count)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(800):
            pool.submit(count)

    assert variables.count == 800


def test_change_that_fails_changes_nothing() -> None:
    """When the function raises, the variable is as before and the lock is free."""
    variables = Variables.define(count=1).start()

    with pytest.raises(ZeroDivisionError, match="division by zero"):
        variables.change("count", lambda count: count / 0)

    assert variables.count == 1
    assert variables.change("count", lambda count: count + 1) == 2


def test_snapshot_does_not_change() -> None:
    """A snapshot keeps the values of its moment."""
    variables = Variables.define(rows=[1]).start()
    snapshot = variables.snapshot()

    variables.rows.append(2)

    assert snapshot == {"rows": [1]}


def test_leaf_is_shared_between_runs() -> None:
    """An initial value that is no container is the same object in each run."""
    leaf = object()
    variables = Variables.define(leaf=leaf)

    assert variables.start().leaf is leaf


def test_repr_shows_the_values() -> None:
    """The repr of variables shows their values, in short."""
    variables = Variables.define(rows=[1], name="a" * 100)

    assert repr(variables).startswith("Variables(rows=[1], name='aaa")
    assert len(repr(variables)) < 100
    assert repr(variables.start()).startswith("RunVariables(rows=[1]")
