from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Collection

import pytest

from pypedream.parameters.copying import copied, has_leaves_only
from pypedream.parameters.groups import Nested

Point = namedtuple("Point", "x y")


class Leaf:
    pass


@pytest.mark.parametrize(
    "value",
    [
        [1, [2]],
        {"a": [1]},
        {1, 2},
        bytearray(b"ab"),
        OrderedDict(a=[1]),
        defaultdict(list, a=[1]),
        Nested(a=[1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_container_is_copied(value: object) -> None:
    """A container and its copy are equal, of one type, and not the same object."""
    copy = copied(value)

    assert copy == value
    assert type(copy) is type(value)
    assert copy is not value


@pytest.mark.parametrize(
    "value", [[[1]], {"a": [1]}, ([1],), Point([1], 2)], ids=["list", "dict", "tuple", "namedtuple"]
)
def test_inner_containers_are_copied(value: object) -> None:
    """What a container holds is copied too, also within a tuple."""
    assert isinstance(value, (list, dict, tuple))

    copy = copied(value)

    key = "a" if isinstance(value, dict) else 0
    assert copy[key] == [1]
    assert copy[key] is not value[key]
    assert type(copy) is type(value)


def test_leaf_is_shared() -> None:
    """What is no container is the same object in the copy."""
    leaf = Leaf()

    assert copied([leaf])[0] is leaf


def test_tuple_of_leaves_is_itself() -> None:
    """A tuple that cannot change is not copied."""
    value = (1, "a")

    assert copied(value) is value


def test_container_that_holds_itself() -> None:
    """A list that holds itself becomes a list that holds itself."""
    value: list[object] = [1]
    value.append(value)

    copy = copied(value)

    assert copy is not value
    assert copy[1] is copy


def test_shared_container_stays_shared() -> None:
    """One list under two names is one list in the copy."""
    rows = [1]

    copy = copied({"a": rows, "b": rows})

    assert copy["a"] is copy["b"]


@pytest.mark.parametrize(
    "members, expected",
    [
        ([], True),
        ([1, 2, 3], True),
        ({"a", "b"}, True),
        ([1, 2.5, None, "a", True], True),
        ([1, 2, [3]], False),
        ([[1], [2]], False),
        ([None, object()], False),
    ],
    ids=["none", "of one type", "set", "of several types", "a list last", "lists", "an object"],
)
def test_whether_members_hold_nothing(members: Collection[object], expected: bool) -> None:
    """Numbers, texts and None do not, whether they are all of one type or of several."""
    assert has_leaves_only(members) is expected
