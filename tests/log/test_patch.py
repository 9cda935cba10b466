import inspect

import pytest

from pypedream.log.patch import Patch


class Owner:
    def greet(self, name="you"):
        return f"hello {name}"


def louder(original):
    from functools import wraps

    @wraps(original)
    def greet(self, name="you"):
        return original(self, name).upper()

    return greet


@pytest.fixture
def owner():
    return type("Owner", (), {"greet": Owner.greet})


@pytest.fixture
def patch(owner):
    return Patch(lambda: owner, "greet", louder)


def test_replaced_and_put_back(owner, patch):
    """The attribute is another one for as long as it is needed, then the very same as before."""
    patch.begin("run")
    during = owner().greet()
    patch.end("run")

    assert during == "HELLO YOU"
    assert owner.greet is Owner.greet


def test_signature_is_kept(owner, patch):
    """What stands there has the signature of what stood there, and leads to it."""
    patch.begin("run")
    during = owner.greet
    patch.end("run")

    assert inspect.signature(during) == inspect.signature(Owner.greet)
    assert during.__wrapped__ is Owner.greet


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_users_overlap(owner, patch, order):
    """It is replaced once, and put back after the last user, whoever that is."""
    patch.begin("a")
    first = owner.greet
    patch.begin("b")
    assert owner.greet is first
    patch.end(order[0])
    assert owner.greet is first
    patch.end(order[1])

    assert owner.greet is Owner.greet


def test_somebody_else_on_top(owner, patch):
    """What somebody else put on top of ours stays; ours beneath it works on."""
    patch.begin("run")
    ours = owner.greet
    owner.greet = lambda self: ours(self) + "!"
    patch.end("run")

    assert owner().greet() == "HELLO YOU!"


def test_somebody_else_is_gone_again(owner, patch):
    """Ours that was left beneath somebody else's is put in order by the next use."""
    patch.begin("a")
    ours = owner.greet
    owner.greet = lambda self, name="me": ours(self, name)
    patch.end("a")
    owner.greet = ours
    patch.begin("b")
    patch.end("b")

    assert owner.greet is Owner.greet


def test_forgetting(owner, patch):
    """In a child process nobody needs the change any more."""
    patch.begin("a")
    patch.forget()

    assert owner.greet is Owner.greet
    assert not patch.is_needed


def test_ending_without_beginning(owner, patch):
    """Ctrl-C may come between the two; nothing is put back that was not taken."""
    patch.end("run")

    assert owner.greet is Owner.greet
