"""Changes of code, each as a piece of text before and after, for the function ``stage``.

``OTHER`` is the name of a second module, whose text is `OTHER` below.
"""

from __future__ import annotations

COMMON = """
import functools, contextlib, re
from collections import namedtuple
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
import attrs
import OTHER
import OTHER as alias
from OTHER import Base, imported
"""

OTHER = """
RATE = 1
def imported(row):
    return row + 1
def chained(row):
    return deep(row) * RATE
def deep(row):
    return row - 1
class Base:
    def fit(self):
        return 1
def lazy(row):
    return row
def u(row):
    return row
"""

# Name: code, then one or more pairs of what is replaced and by what.
CHANGES: dict[str, tuple[str, str, str]] = {
    "operator": ("def stage(a, b):\n    return a + b", "a + b", "a - b"),
    "number": ("def stage(a):\n    return a + 1", "1", "2"),
    "type of a number": ("def stage(a):\n    return a + 1", "1", "1.0"),
    "numbers of one hash": ("def stage(a):\n    return a * -1", "-1", "-2"),
    "text": ("def stage(a):\n    return a + 'x'", "'x'", "'y'"),
    "default": ("def stage(a=1):\n    return a", "=1", "=2"),
    "keyword default": ("def stage(*, a=1):\n    return a", "=1", "=2"),
    "argument name": ("def stage(a):\n    return a", "stage(a)", "stage(b)"),
    "default from an object": (
        "@attrs.define\nclass C:\n    x: int\ndef stage(a=C(1)):\n    return a.x",
        "C(1)",
        "C(2)",
    ),
    "default function": ("def stage(key=lambda row: row):\n    return key", ": row", ": -row"),
    "helper": ("def h(a):\n    return a\ndef stage(a):\n    return h(a)", "return a", "return -a"),
    "helper of a helper": (
        "def g(a):\n    return a\ndef h(a):\n    return g(a)\ndef stage(a):\n    return h(a)",
        "return a",
        "return -a",
    ),
    "helper from another module": ("def stage(a):\n    return imported(a)", "row + 1", "row + 2"),
    "helper by attribute": ("def stage(a):\n    return OTHER.chained(a)", "(row) *", "(row) +"),
    "helper by another name": ("def stage(a):\n    return alias.deep(a)", "row - 1", "row - 2"),
    "helper of a helper elsewhere": (
        "def stage(a):\n    return OTHER.chained(a)",
        "row - 1",
        "row - 2",
    ),
    "constant elsewhere": ("def stage(a):\n    return OTHER.RATE", "RATE = 1", "RATE = 2"),
    "constant of a helper elsewhere": (
        "def stage(a):\n    return OTHER.chained(a)",
        "RATE = 1",
        "RATE = 2",
    ),
    "import inside": (
        "def stage(a):\n    from OTHER import lazy\n    return lazy(a)",
        "lazy(row):\n    return row",
        "lazy(row):\n    return -row",
    ),
    "import of a module inside": (
        "def stage(a):\n    import OTHER as other\n    return other.lazy(a)",
        "lazy(row):\n    return row",
        "lazy(row):\n    return -row",
    ),
    "global number": ("RATE = 1\ndef stage(a):\n    return a * RATE", "E = 1", "E = 2"),
    "entry of a global dict": (
        "CONFIG = {'a': {'b': 1}}\ndef stage():\n    return CONFIG['a']",
        "'b': 1",
        "'b': 2",
    ),
    "global list": ("ROWS = [1, [2]]\ndef stage():\n    return ROWS", "[2]", "[3]"),
    "global set": ("NAMES = {'a', 'b'}\ndef stage():\n    return NAMES", "'b'", "'c'"),
    "global decimal": ("RATE = Decimal('1')\ndef stage():\n    return RATE", "'1'", "'2'"),
    "pattern": ("P = re.compile('a')\ndef stage(a):\n    return P.match(a)", "'a'", "'b'"),
    "captured value": (
        "def make(n):\n    def stage(a):\n        return a + n\n    return stage\nstage = make(1)",
        "make(1)",
        "make(2)",
    ),
    "captured function": (
        (
            "def make(f):\n    def stage(a):\n        return f(a)\n    return stage\n"
            "stage = make(lambda row: row)"
        ),
        "lambda row: row",
        "lambda row: -row",
    ),
    "nested function": (
        "def stage(a):\n    def f():\n        return a + 1\n    return f()",
        "+ 1",
        "+ 2",
    ),
    "lambda": ("def stage(a):\n    return map(lambda row: row + 1, a)", "+ 1", "+ 2"),
    "comprehension": ("def stage(a):\n    return [row + 1 for row in a]", "+ 1", "+ 2"),
    "constant set": ("def stage(a):\n    return a in {'x', 'y'}", "'y'", "'z'"),
    "argument of a partial": (
        "def h(a, b):\n    return a + b\nstage = functools.partial(h, 1)",
        "h, 1",
        "h, 2",
    ),
    "function of a partial": (
        "def h(a, b):\n    return a + b\nstage = functools.partial(h, 1)",
        "a + b",
        "a - b",
    ),
    "method": (
        "class M:\n    def fit(self):\n        return 1\ndef stage():\n    return M().fit()",
        "return 1",
        "return 2",
    ),
    "method of a base class": (
        (
            "class A:\n    def fit(self):\n        return 1\nclass M(A):\n    pass\n"
            "def stage():\n    return M().fit()"
        ),
        "return 1",
        "return 2",
    ),
    "method of a base class elsewhere": (
        "class M(Base):\n    pass\ndef stage():\n    return M().fit()",
        "return 1",
        "return 2",
    ),
    "order of base classes": (
        (
            "class A:\n    x = 1\nclass B:\n    x = 2\nclass M(A, B):\n    pass\n"
            "def stage():\n    return M.x"
        ),
        "(A, B)",
        "(B, A)",
    ),
    "attribute of an object": (
        (
            "class C:\n    def __init__(self, n):\n        self.rate = n\nconfig = C(1)\n"
            "def stage():\n    return config.rate"
        ),
        "C(1)",
        "C(2)",
    ),
    "whole object": (
        (
            "class C:\n    def __init__(self, n):\n        self.rate = n\nconfig = C(1)\n"
            "def stage():\n    return repr(config)"
        ),
        "C(1)",
        "C(2)",
    ),
    "state behind a method": (
        (
            "class C:\n    def __init__(self, n):\n        self.rate = n\n"
            "    def run(self):\n        return self.rate\nstage = C(1).run"
        ),
        "C(1)",
        "C(2)",
    ),
    "another method of the object": (
        (
            "class C:\n    def run(self):\n        return self.inner()\n"
            "    def inner(self):\n        return 1\nstage = C().run"
        ),
        "return 1",
        "return 2",
    ),
    "constant of a class": (
        "class C:\n    rate = 1\ndef stage():\n    return C.rate",
        "rate = 1",
        "rate = 2",
    ),
    "constant behind self": (
        (
            "class C:\n    rate = 1\n    def run(self):\n        return self.rate\n"
            "def stage():\n    return C().run()"
        ),
        "rate = 1",
        "rate = 2",
    ),
    "function used by a method": (
        (
            "def h():\n    return 1\nclass C:\n    def run(self):\n        return h()\n"
            "def stage():\n    return C().run()"
        ),
        "return 1",
        "return 2",
    ),
    "property": (
        (
            "class C:\n    @property\n    def x(self):\n        return 1\n"
            "def stage():\n    return C().x"
        ),
        "return 1",
        "return 2",
    ),
    "static method": (
        (
            "class C:\n    @staticmethod\n    def x():\n        return 1\n"
            "def stage():\n    return C.x()"
        ),
        "return 1",
        "return 2",
    ),
    "class method": (
        "class C:\n    @classmethod\n    def x(cls):\n        return 1\nstage = C.x",
        "return 1",
        "return 2",
    ),
    "method of a metaclass": (
        (
            "class Meta(type):\n    def x(cls):\n        return 1\n"
            "class C(metaclass=Meta):\n    pass\ndef stage():\n    return C.x()"
        ),
        "return 1",
        "return 2",
    ),
    "callable object": (
        "class C:\n    def __call__(self):\n        return 1\nstage = C()",
        "return 1",
        "return 2",
    ),
    "decorator": (
        (
            "def deco(f):\n    @functools.wraps(f)\n    def wrapper():\n        return f() + 1\n"
            "    return wrapper\n@deco\ndef stage():\n    return 2"
        ),
        "+ 1",
        "- 1",
    ),
    "decorated function": (
        (
            "def deco(f):\n    @functools.wraps(f)\n    def wrapper():\n        return f() + 1\n"
            "    return wrapper\n@deco\ndef stage():\n    return 2"
        ),
        "return 2",
        "return 3",
    ),
    "argument of a decorator": (
        (
            "def deco(n):\n    def outer(f):\n        def wrapper():\n            return f() + n\n"
            "        return wrapper\n    return outer\n@deco(1)\ndef stage():\n    return 2"
        ),
        "deco(1)",
        "deco(2)",
    ),
    "function in a decorator of Python": (
        (
            "@contextlib.contextmanager\ndef h():\n    yield 1\n"
            "def stage():\n    with h() as x:\n        return x"
        ),
        "yield 1",
        "yield 2",
    ),
    "cached function": (
        "@functools.lru_cache\ndef h():\n    return 1\ndef stage():\n    return h()",
        "return 1",
        "return 2",
    ),
    "function of a single dispatch": (
        (
            "@functools.singledispatch\ndef h(a):\n    return a\n@h.register\n"
            "def _(a: int):\n    return a + 1\ndef stage(a):\n    return h(a)"
        ),
        "a + 1",
        "a + 2",
    ),
    "function in a table": (
        "def f():\n    return 1\nTABLE = {'f': f}\ndef stage(name):\n    return TABLE[name]()",
        "return 1",
        "return 2",
    ),
    "helpers that change places": (
        (
            "def f(a):\n    return a + 1\ndef g(a):\n    return a + 2\n"
            "def stage(a):\n    return f(a) - g(a)"
        ),
        "def f(a):\n    return a + 1\ndef g(a):\n    return a + 2",
        "def f(a):\n    return a + 2\ndef g(a):\n    return a + 1",
    ),
    "member of an enum": (
        "class E(Enum):\n    A = 1\ndef stage():\n    return E.A.value",
        "A = 1",
        "A = 2",
    ),
    "default of a dataclass": (
        "@dataclass\nclass D:\n    x: int = 1\ndef stage():\n    return D()",
        "= 1",
        "= 2",
    ),
    "default of an attrs class": (
        "@attrs.define\nclass D:\n    x: int = 1\ndef stage():\n    return D()",
        "= 1",
        "= 2",
    ),
    "default of a named tuple": (
        "D = namedtuple('D', 'x', defaults=[1])\ndef stage():\n    return D()",
        "[1]",
        "[2]",
    ),
    "getter": (
        "import operator\nget = operator.itemgetter(1)\ndef stage(a):\n    return get(a)",
        "(1)",
        "(2)",
    ),
    "partial method": (
        (
            "class C:\n    def f(self, a):\n        return a\n"
            "    g = functools.partialmethod(f, 1)\ndef stage():\n    return C().g()"
        ),
        "f, 1",
        "f, 2",
    ),
    "descriptor": (
        (
            "class D:\n    def __get__(self, owner, kind):\n        return 1\n"
            "class C:\n    x = D()\ndef stage():\n    return C().x"
        ),
        "return 1",
        "return 2",
    ),
    "attribute of an object with slots": (
        "@attrs.define\nclass C:\n    x: int\nc = C(1)\ndef stage():\n    return c.x",
        "C(1)",
        "C(2)",
    ),
    "caught error": (
        "def stage(f):\n    try:\n        f()\n    except ValueError:\n        pass",
        "ValueError",
        "KeyError",
    ),
    "reach of a try block": (
        "def stage(f, g):\n    f()\n    try:\n        g()\n    except ValueError:\n        pass",
        "    f()\n    try:\n        g()",
        "    try:\n        f()\n        g()",
    ),
    "called method": ("def stage(a):\n    return a.lower()", "lower", "upper"),
    "keyword in a call": ("def stage(f):\n    return f(a=1)", "a=1", "b=1"),
    "generator": ("def stage(a):\n    return a", "return a", "yield a"),
    "async": ("def stage(a):\n    return a", "def stage", "async def stage"),
    "function by a constant name": (
        "def stage(a):\n    return getattr(OTHER, 'u')(a)",
        "u(row):\n    return row",
        "u(row):\n    return -row",
    ),
    "function by a computed name": (
        "def stage(a, name):\n    return getattr(OTHER, name)(a)",
        "u(row):\n    return row",
        "u(row):\n    return -row",
    ),
    "global that a query names": (
        "low = 1\ndef stage(a):\n    return a.query('x > @low')",
        "low = 1",
        "low = 2",
    ),
    "attribute that a query names": (
        "class C:\n    low = 1\ndef stage(a, b):\n    return a.eval(f'x * @C.low + {b}')",
        "low = 1",
        "low = 2",
    ),
    "helper that a formula names": (
        "def h(x):\n    return x\ndef stage(a, fit):\n    return fit('y ~ z + h(x)', a)",
        "return x",
        "return -x",
    ),
    "helper that a piece of a formula names": (
        "def h(x):\n    return x\ndef stage(a, fit):\n    return fit(f'y ~ {a} + h(x)', a)",
        "return x",
        "return -x",
    ),
    "helper of a module that a formula names": (
        "def stage(a, fit):\n    return [fit(f, a) for f in ('y ~ x', 'y ~ OTHER.u(x)')]",
        "u(row):\n    return row",
        "u(row):\n    return -row",
    ),
    "function of a module that is passed on": (
        (
            "def call(module, name):\n    return vars(module)[name]\n"
            "def stage(name):\n    return call(OTHER, name)"
        ),
        "u(row):\n    return row",
        "u(row):\n    return -row",
    ),
    "function by the name of a global": (
        "def u(row):\n    return row\ndef stage(a, name):\n    return globals()[name](a)",
        "u(row):\n    return row",
        "u(row):\n    return -row",
    ),
    "list that is filled and read": (
        "calls = []\ndef stage(a):\n    calls.append(a)\n    return len(calls)",
        "calls = []",
        "calls = [1]",
    ),
    "list that is filled and read by a helper": (
        (
            "calls = []\ndef h():\n    return calls[-1]\n"
            "def stage(a):\n    calls.append(a)\n    return h()"
        ),
        "calls = []",
        "calls = [1]",
    ),
    "dict that is filled and read": (
        "seen = {}\ndef stage(a):\n    seen['b'] = a\n    return seen.get('a')",
        "seen = {}",
        "seen = {'a': 1}",
    ),
    "dict that is passed on": (
        "seen = {}\ndef stage(a):\n    seen['b'] = seen\n    return a",
        "seen = {}",
        "seen = {'a': 1}",
    ),
    "entry that is changed and read": (
        "n = {'a': 1}\ndef stage(a):\n    n['a'] += 1\n    return n['a']",
        "'a': 1",
        "'a': 5",
    ),
    "entry that is added to itself": (
        "n = {'a': 1}\ndef stage(a):\n    a['b'] += n['a']\n    return a",
        "'a': 1",
        "'a': 5",
    ),
    "length of a list whose entries are stored": (
        "rows = [0, 0]\ndef stage(a):\n    rows[1] = a\n    return a",
        "[0, 0]",
        "[0]",
    ),
    "method that gives what is there": (
        "seen = {}\ndef stage(a):\n    return seen.setdefault('a', a)",
        "seen = {}",
        "seen = {'a': 1}",
    ),
    "method that fails without what is there": (
        "calls = [1]\ndef stage(a):\n    calls.remove(1)\n    return a",
        "[1]",
        "[]",
    ),
    "method that is kept": (
        "calls = [1]\ndef stage(a):\n    add = calls.append\n    return add.__self__",
        "[1]",
        "[]",
    ),
    "what fills a list": (
        "calls = []\ndef stage(a):\n    calls.append(a)\n    return a",
        "append(a)",
        "append(-a)",
    ),
    "kind of container that is filled": (
        "calls = []\ndef stage(a):\n    calls.extend(a)\n    return a",
        "calls = []",
        "calls = bytearray()",
    ),
    "list of a class of its own": (
        (
            "class L(list):\n    def append(self, row):\n        print(self)\n"
            "calls = L()\ndef stage(a):\n    calls.append(a)"
        ),
        "L()",
        "L([1])",
    ),
    "captured list that is read": (
        (
            "def make(rows):\n    def stage(a):\n        rows.append(a)\n"
            "        return rows[0]\n    return stage\nstage = make([])"
        ),
        "make([])",
        "make([1])",
    ),
    "captured value that another function assigns": (
        (
            "def make(n):\n    def set(a):\n        nonlocal n\n        n = a\n"
            "    def stage(a):\n        return n\n    return stage\nstage = make(1)"
        ),
        "make(1)",
        "make(2)",
    ),
    "captured value beside a local of a nested function": (
        (
            "def make(n):\n    def stage(a):\n        def f():\n            m = 0\n"
            "            def g():\n                nonlocal m\n                m = n\n"
            "            g()\n            return m\n        return f()\n    return stage\n"
            "stage = make(1)"
        ),
        "make(1)",
        "make(2)",
    ),
    "key of an entry that is changed in place": (
        "n = {'a': 1}\ndef stage(a):\n    n['a'] += 1\n    return a",
        "{'a'",
        "{'b'",
    ),
    "factory of entries that are missing": (
        (
            "from collections import defaultdict\nn = defaultdict(lambda: 1)\n"
            "def stage(a):\n    n[a] += 1\n    return a"
        ),
        "lambda: 1",
        "lambda: 2",
    ),
    "container that is chosen": (
        "x = [1]\ny = []\ndef stage(a):\n    return (x if a else y).append(a), (a or x)",
        "[1]",
        "[2]",
    ),
}

NO_CHANGES: dict[str, tuple[str, str, str]] = {
    "nothing": ("def stage(a):\n    return a", "", ""),
    "comment": ("def stage(a):\n    return a", "return a", "return a  # that is all"),
    "blank lines": ("def stage(a):\n    return a", "def stage", "\n\n\ndef stage"),
    "layout": ("def stage(a, b):\n    return a + b", "a + b", "(\n        a\n        + b\n    )"),
    "trailing comma": ("def stage(a):\n    return [a, 1]", "1]", "1,]"),
    "quotes": ("def stage(a):\n    return a + 'x'", "'x'", '"x"'),
    "way to write a number": ("def stage(a):\n    return a + 1000", "1000", "1_000"),
    "docstring": ("def stage(a):\n    'One.'\n    return a", "'One.'", "'Two.'"),
    "helper in a docstring": (
        "def h(x):\n    return x\ndef stage(a):\n    'Fits y ~ h(x).'\n    return a",
        "return x",
        "return -x",
    ),
    "helper in a text that is no formula": (
        "def h(x):\n    return x\ndef stage(a):\n    return a + 'h(x)'",
        "return x",
        "return -x",
    ),
    "global in a text that is no query": (
        "low = 1\ndef stage(a):\n    return a + 'me@low'",
        "low = 1",
        "low = 2",
    ),
    "local that a query names": (
        "low = 1\ndef stage(a, low):\n    return a.query('x > @low')",
        "low = 1",
        "low = 2",
    ),
    "global that a query names and the code assigns": (
        "low = 1\ndef stage(a):\n    global low\n    low = 3\n    return a.query('x > @low')",
        "low = 1",
        "low = 2",
    ),
    "no docstring": ("def stage(a):\n    'One.'\n    return a", "    'One.'\n", ""),
    "annotations": ("def stage(a):\n    return a", "(a):", "(a: int) -> int:"),
    "annotation of a local": ("def stage(a):\n    b = a\n    return b", "b =", "b: int ="),
    "name of a local": (
        "def stage(a):\n    b = a + 1\n    return b",
        "b = a + 1\n    return b",
        "c = a + 1\n    return c",
    ),
    "name in a comprehension": (
        "def stage(a):\n    return [row for row in a]",
        "row for row",
        "line for line",
    ),
    "name of a captured local": (
        "def stage(a):\n    b = a\n    return lambda: b",
        "b = a\n    return lambda: b",
        "c = a\n    return lambda: c",
    ),
    "unused function": ("def stage(a):\n    return a", "def stage", "def no(): ...\ndef stage"),
    "unused constant": ("A = 1\ndef stage(a):\n    return a", "A = 1", "A = 2"),
    "unused function elsewhere": (
        "def stage(a):\n    return OTHER.deep(a)",
        "u(row):\n    return row",
        "u(row):\n    return -row",
    ),
    "docstring elsewhere": (
        "def stage(a):\n    return imported(a)",
        "imported(row):\n",
        "imported(row):\n    'Add one.'\n",
    ),
    "order of functions": (
        "def h(a):\n    return a\ndef stage(a):\n    return h(a)",
        "def h(a):\n    return a\ndef stage(a):\n    return h(a)",
        "def stage(a):\n    return h(a)\ndef h(a):\n    return a",
    ),
    "order of a dict": (
        "C = {'a': 1, 'b': 2}\ndef stage():\n    return C",
        "'a': 1, 'b': 2",
        "'b': 2, 'a': 1",
    ),
    "order of a set": (
        "C = {'a', 'b', 'c'}\ndef stage():\n    return C",
        "'a', 'b', 'c'",
        "'c', 'a', 'b'",
    ),
    "order of a constant set": (
        "def stage(a):\n    return a in {'a', 'b', 'c'}",
        "'a', 'b', 'c'",
        "'c', 'a', 'b'",
    ),
    "order of a table of functions": (
        (
            "def f():\n    return 1\ndef g():\n    return 2\nT = {'f': f, 'g': g}\n"
            "def stage(a):\n    return T[a]()"
        ),
        "'f': f, 'g': g",
        "'g': g, 'f': f",
    ),
    "order of methods": (
        (
            "class C:\n    def a(self):\n        return 1\n    def b(self):\n        return 2\n"
            "def stage():\n    return C().a()"
        ),
        "    def a(self):\n        return 1\n    def b(self):\n        return 2\n",
        "    def b(self):\n        return 2\n    def a(self):\n        return 1\n",
    ),
    "order of a set of functions": (
        "S = {lambda: 1, lambda: 2, lambda: 3}\ndef stage():\n    return S",
        "lambda: 1, lambda: 2, lambda: 3",
        "lambda: 2, lambda: 3, lambda: 1",
    ),
    "docstring of a class": (
        "class C:\n    'One.'\n    x = 1\ndef stage():\n    return C()",
        "'One.'",
        "'Two.'",
    ),
    "class inside, further down": (
        "def stage():\n    class C:\n        'One.'\n        x = 1\n    return C.x",
        "def stage():\n    class C:\n        'One.'",
        "\n\ndef stage():\n\n    class C:\n        'Two.'",
    ),
    "other attribute of an object": (
        (
            "class C:\n    def __init__(self, n):\n        self.rate = 1\n        self.n = n\n"
            "config = C(1)\ndef stage():\n    return config.rate"
        ),
        "C(1)",
        "C(2)",
    ),
    "what the function itself keeps": (
        "count = 0\ndef stage():\n    global count\n    count += 1\n    return 1",
        "count = 0",
        "count = 5",
    ),
    "captured value that the function itself keeps": (
        (
            "def make(n):\n    def stage():\n        nonlocal n\n        n += 1\n"
            "        return 1\n    return stage\nstage = make(1)"
        ),
        "make(1)",
        "make(2)",
    ),
    "list that is only filled": (
        "calls = []\ndef stage(a):\n    calls.append(a)\n    calls.extend([a, 1])\n    return a",
        "calls = []",
        "calls = [1, 2]",
    ),
    "list that a helper fills": (
        "calls = []\ndef h(a):\n    calls.insert(0, a)\ndef stage(a):\n    return h(a)",
        "calls = []",
        "calls = [1, 2]",
    ),
    "list elsewhere that is only filled": (
        "OTHER.calls = []\ndef stage(a):\n    OTHER.calls.append(a)\n    return a",
        "calls = []",
        "calls = [1, 2]",
    ),
    "captured list that is only filled": (
        (
            "def make(rows):\n    def stage(a):\n        [rows.append(row) for row in a]\n"
            "        return a\n    return stage\nstage = make([])"
        ),
        "make([])",
        "make([1])",
    ),
    "set that is only filled": (
        "seen = set()\ndef stage(a):\n    seen.add(a)\n    seen.discard(1)\n    return a",
        "seen = set()",
        "seen = {1, 2}",
    ),
    "dict whose entries are stored": (
        (
            "seen = {}\ndef stage(a):\n    seen[f'{a.b}', a[0] + 1] = b = len(a)\n"
            "    seen[str(a, base=2)] = 1\n    return b"
        ),
        "seen = {}",
        "seen = {'a': 1}",
    ),
    "entries that are changed in place": (
        "n = {'a': 1}\ndef stage(a):\n    n['a'] += a[1]\n    return a",
        "'a': 1",
        "'a': 5",
    ),
    "counter that is only filled": (
        (
            "from collections import Counter, deque\nn = Counter()\nlast = deque()\n"
            "def stage(a):\n    n[a] += 1\n    n.update(a)\n    last.appendleft(a)\n    return a"
        ),
        "Counter()\nlast = deque()",
        "Counter('abc')\nlast = deque([1])",
    ),
    "entries of a list that are stored": (
        "rows = [0, 0]\ndef stage(a):\n    rows[1] = a\n    return a",
        "[0, 0]",
        "[0, 5]",
    ),
    "library object": (
        "import logging\nlog = logging.getLogger('a')\ndef stage():\n    log.info('x')",
        "def stage",
        "log.setLevel('INFO')\ndef stage",
    ),
}

KNOWN_MISSES = frozenset({"function by the name of a global"})
