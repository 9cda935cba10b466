"""What is left out of an identity makes no difference: the law of containers that are filled."""

from __future__ import annotations

from itertools import combinations
from textwrap import indent
from typing import Any

import pytest

from pypedream.store import code_identity

CONTENTS = {
    "list": ["[]", "[1]", "[1, 2, 3]", "[3, 1]"],
    "dict": ["{}", "{'a': 1}", "{1: 2}", "{'b': [1]}"],
    "set": ["set()", "{1}", "{1, 2}", "{'a'}"],
    "deque": ["deque()", "deque([1])", "deque([1, 2, 3])", "deque([1], maxlen=1)"],
    "bytearray": ["bytearray()", "bytearray(b'a')", r"bytearray(b'\xff\x01\x02')"],
    "Counter": ["Counter()", "Counter('a')", "Counter({'a': 5, 1: 2})"],
    "defaultdict": [
        "defaultdict(int)",
        "defaultdict(int, {'a': 1})",
        "defaultdict(list)",
        "defaultdict(None)",
        "defaultdict(None, {'a': 1})",
    ],
    "OrderedDict": ["OrderedDict()", "OrderedDict(a=1)", "OrderedDict({1: 2})"],
}
# Each does something with the container c, the list x and the result r.
STATEMENTS = r"""
c.append(1)
c.extend([1,2])
c.insert(5,1)
c.insert(0,1)
c.clear()
c.reverse()
c.add(1)
c.update({1:2})
c.update([1])
c.update('ab')
c.update(a=1)
c.discard(1)
c.remove(1)
c.pop()
r=c.pop()
c.popleft()
c.sort()
c.rotate(1)
c.appendleft(1)
c.extendleft([1])
c.subtract('a')
c.setdefault('a', 2)
r=c.setdefault('a',2)
r=c.append(1)
r=c.update()
c['a']=1
c[0]=1
c[1]=2
c[-1]=1
c[5]=1
c[0:1]=[1,2]
c[::2]=[1,2]
c[0]+=1
c['a']+=1
c['a']|=1
c['a']-=1
del c[0]
del c['a']
c[len(c)]=1
c[1 if c else 0]=1
c['a' if x else 'b']=1
c[f'{x}']=1
c[x,0]=1
r=c[0]=1
c[0]=r=2
r=(c['a']:=1) if 0 else 1
(c if x else [])[0:0]=[1]
(x or c).append(1)
(c or x)
r=c
r=[c]
x.append(c)
x.append(1); c.append(x)
c[0]=c
c['a']=c
x[0]=c
x['k']=c['a']
x[c.__len__()]=1
for c['a'] in [1,2]: pass
for c[0] in [1,2]: pass
r,c['a']=1,2
[c.append(i) for i in range(3)]
r=[c.append(i) for i in range(3)]
r=(lambda: c.append(1))()
r=(lambda: c)()
f=c.append; f(1)
f=c.append; r=f.__self__
c.append(len(c))
c.append(*[1])
c.extend(c)
c.update(**{'a':1})
c.__setitem__('a',1)
c.__len__()
r=c.copy()
r=c.count(1)
r=1 in c
r=c==[1]
r=bool(c)
r=not c
assert c
c[c.pop()]=1
c['a'][0]=1
c['a'].append(1)
c[0].append(1)
c[0][1]=2
c['a']['b']=1
c['a']+=c['a']
c['a']+=x[0]
c[x[0]]+=x[1]
c.append(c[0])
try: c.append(1)\nfinally: r=1
c['a']: int = 1
c.x=1
r=c.append
r=c.append(1) or c
r=getattr(c,'append')(1)
getattr(c,'pop')()
c[0],c[1]=c[1],c[0]
c[0]=c[1]=5
c['a']=x[0]=7
c['a']=1; c['a']=2
match c:\n  case [1]: r=1\n  case _: r=2
r=f'{c}'
r=(c['a'], 1) if False else 2
c[-x[0]]=1
c[not x]=1
c[x[0]<2]=1
c['a']**=2
c[slice(0,1)]=[1]
c[0:x[0]]+=[1]
c[x.append(3)]=4
""".strip().splitlines()
HEAD = "from collections import *\n"
ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
FORMS = {
    "global": "c = {contents}\ndef stage():\n{body}",
    "captured": (
        "def make(c):\n    def stage():\n{body}\n    return stage\nstage = make({contents})"
    ),
}


def found(form: str, statement: str, contents: str) -> tuple[str, object] | None:
    """Return the identity of a function, and what it gives or raises; None if it is no code."""
    lines = ["r, x = None, [1, 2]", *statement.split(r"\n"), "return repr((r, x))"]
    body = indent("\n".join(lines), "        ")
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        exec(HEAD + FORMS[form].format(body=body, contents=contents), names)
    except SyntaxError:
        return None
    digest = code_identity(names["stage"]).digest
    try:
        return digest, names["stage"]()
    except ERRORS as error:
        return digest, repr(error)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", CONTENTS)
def test_what_does_not_count_makes_no_difference(form: str, kind: str) -> None:
    """With the same identity a function gives the same, or fails in the same way."""
    pairs = 0
    for statement in STATEMENTS:
        outcomes = [found(form, statement, contents) for contents in CONTENTS[kind]]
        for one, other in combinations(filter(None, outcomes), 2):
            if one[0] == other[0]:
                pairs += 1
                assert one[1] == other[1], statement

    assert pairs > 10
