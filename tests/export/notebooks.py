"""Notebooks in miniature: cells that define a pipeline, by what they show.

Each is a text whose cells are divided by a line ``# ---``. Its pipeline is called ``flow`` and runs
without being given anything.
"""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "stages, a helper and a constant": """
import math
from pypedream import Parameters, Pipeline
unused = open(__import__('os').devnull)
# ---
# per year
RATE = 0.5

def scaled(row):
    # by the rate
    return row * RATE * math.pi
# ---
flow = Pipeline("co2", Parameters.define(rows=[1, 2, 3]))
# ---
@flow.stage
def load(rows):
    return rows
# ---
@flow.stage
def total(load):
    return sum(map(scaled, load))
""",
    "a stage defined twice": """
from pypedream import Parameters, Pipeline
flow = Pipeline("twice")
# ---
@flow.stage
def load():
    return 1
# ---
@flow.stage
def load():
    return 2
# ---
@flow.stage
def double(load):
    return 2 * load
# ---
load = 5
""",
    "a function that a stage still has": """
from pypedream import Pipeline
flow = Pipeline("still")
# ---
def load():
    return 1
flow.stage(load, name="loaded", retries=1)
# ---
def load():
    return 2
""",
    "a helper defined again": """
from pypedream import Parameters, Pipeline
flow = Pipeline("again")
def helper():
    return 1
# ---
@flow.stage
def load():
    return helper()
# ---
def helper():
    return 2
""",
    "decorators": """
from functools import lru_cache, wraps
from pypedream import Parameters, Pipeline
# ---
def doubled(function):
    @wraps(function)
    def inner(*given, **named):
        return 2 * function(*given, **named)
    return inner
# ---
@lru_cache
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
# ---
flow = Pipeline("decorated", Parameters.define(n=10))
# ---
@flow.stage(name="number")
@doubled
def whatever(n):
    return fib(n)
""",
    "lambdas, partials and closures": """
from functools import partial
from pypedream import Parameters, Pipeline
# ---
square = lambda x: x * x
power = partial(pow, 2)
# ---
def adder(n):
    def add(x):
        return x + n
    return add
add3 = adder(3)
# ---
flow = Pipeline("lambdas", Parameters.define(n=4))
# ---
flow.stage(lambda n: square(n), name="squared")
flow.stage(lambda n: power(n), name="power")
# ---
@flow.stage
def added(n):
    return add3(n)
""",
    "classes": """
import enum
import attrs
from collections import namedtuple
from dataclasses import dataclass
from pypedream import Parameters, Pipeline
# ---
class Colour(enum.Enum):
    RED = 1
    BLUE = 2
# ---
@dataclass(frozen=True)
class Limits:
    low: int
    high: int = 9

LIMITS = Limits(2)
Point = namedtuple('Point', 'x y')
ORIGIN = Point(0, 1)
# ---
class Base:
    def make(self):
        return Row(3)

@attrs.define
class Row(Base):
    x: int
    def doubled(self):
        return 2 * self.x
# ---
flow = Pipeline("classes", Parameters.define(colour=Colour.RED))
# ---
@flow.stage
def load(colour):
    return Row(LIMITS.low).doubled(), colour.name, Base().make().x, ORIGIN.y
# ---
flow.stage(Row(4).doubled, name="bound")
""",
    "constants": """
import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from pypedream import Parameters, Pipeline
# ---
START = dt.date(2020, 1, 1)
WORD = re.compile(r'\\w+')
PRICE = Decimal('1.10')
DATA = Path('data') / 'rows.csv'
ORIGIN = complex(0, 1)
LONG = {n: n * n for n in range(300)}
A, B = 1, 2
DAY_S: int = 24 * 60 * 60
# ---
COUNT = 1
COUNT += 1
TABLE = {}
TABLE['a'] = [1, 2]
# ---
flow = Pipeline("constants")
# ---
@flow.stage
def all_of_them():
    return (START.isoformat(), WORD.findall('a b'), PRICE, DATA.name, ORIGIN.imag, LONG[7], A + B,
            DAY_S, COUNT, TABLE)
""",
    "containers that are filled": """
from pypedream import Parameters, Pipeline
log = []
seen = {}
count = 0
flow = Pipeline("filled")
# ---
@flow.stage
def load():
    global count
    count += 1
    log.append(1)
    seen[1] = 2
    return 3
# ---
flow.run(progress=False)
""",
    "files": """
from pathlib import Path
from pypedream import Pipeline
FILE = Path("rows.txt")
flow = Pipeline("files")
# ---
@flow.stage
def rows():
    with open(FILE, "w") as file:
        file.write("1 2")
    return FILE.read_text().split()
""",
    "maps and patterns": """
from pypedream import patterns
from pypedream import Parameters, Pipeline
# ---
flow = Pipeline("maps", Parameters.define(numbers=[1, 2, 3], factors=[10, 20]))
# ---
@flow.stage(over={'n': 'numbers'}, retries=2)
def squares(n):
    return n * n
# ---
@flow.stage(over=patterns.cross('numbers', 'factors'))
def table(numbers, factors):
    return numbers * factors
# ---
flow.stage(patterns.reduce(lambda total, n: total + n, over='squares', initial=0, name='total'))
# ---
flow.stage(patterns.broadcast([min, max], over='numbers', name='ends'))
""",
    "conditions, order and outputs": """
from pypedream import CHILL, Input, InputBinding, SequentialOutputMapper, Variables, context
from pypedream import dependency, immediate, param, var
from pypedream import Parameters, Pipeline
# ---
parameters = Parameters.define(n=3, is_quick=False)
variables = Variables.define(seen=0)
flow = Pipeline("wired", parameters, variables=variables, on_error="continue")
# ---
@flow.stage(output_mapper=SequentialOutputMapper(['low', 'high'], CHILL))
def split(n):
    return n - 1, n + 1
# ---
@flow.stage(inputs=[dependency('split', 'x', 'high'), immediate(2, 'y'), var('seen')],
            after='split', tags='slow')
def product(x, y, seen):
    return x * y + seen
# ---
@flow.stage(when='is_quick')
def skipped(n):
    return n
# ---
@flow.stage(when=lambda n: n > 2, version='1', retry_on=(ValueError, KeyError))
def counted(n):
    context.VARIABLES.get().seen = n
    return n
""",
    "a pipeline within another": """
from pypedream import patterns
from pypedream import Parameters, Pipeline
# ---
bronze = Pipeline("bronze", Parameters.define(n=2))

@bronze.stage
def load(n):
    return n
# ---
flow = Pipeline("whole", Parameters.define(factor=3))
flow.include(bronze, prefix="bronze")
# ---
@flow.stage(inputs=[__import__('pypedream').dependency('bronze.load', 'rows')])
def times(rows, factor):
    return rows * factor
""",
    "parameters with rules": """
from pypedream import Parameter
from pathlib import Path
from pypedream import Parameters, Pipeline
# ---
MOST = 20
parameters = Parameters.define(
    depth=Parameter(int, 3, min=1, max=MOST, help='levels'),
    kind=Parameter(choices=['a', 'b'], default='a'),
    model={'rate': 0.1},
    folder=Path('data'),
)
# ---
flow = Pipeline("rules", parameters)
# ---
@flow.stage
def fit(depth, kind, model, folder):
    return depth, kind, model.rate, folder.name
""",
    "parameters of a class": """
import attrs
from pypedream import Parameters, Pipeline
# ---
@attrs.frozen
class Settings:
    depth: int = 3
    rate: float = 0.5
# ---
flow = Pipeline("settings", Settings)
# ---
@flow.stage
def fit(depth, rate):
    return depth * rate
""",
    "stages made in a loop and in a function": """
from pypedream import Parameters, Pipeline
# ---
def build(name):
    made = Pipeline(name, Parameters.define(n=2))
    @made.stage
    def load(n):
        return n
    return made
# ---
flow = build("built")
# ---
for factor in (2, 3):
    flow.stage(lambda load, factor=factor: load * factor, name=f'times_{factor}')
# ---
def double(load):
    return 2 * load
flow.stage(double, name='twice')
flow.stage('thrice', retries=1)(lambda load: 3 * load)
""",
    "stages added in other ways": """
from pypedream import Parameters, Pipeline, Stage
# ---
def one():
    return 1
def two(one):
    return one + 1
STAGES = {"one": Stage(one), "two": Stage(two, retries=2)}
flow = Pipeline("ways", stages=STAGES)
# ---
add = flow.stage
@add
def three(two):
    return two + 1
# ---
same = flow
@same.stage(retries=1)
def four(three):
    return three + 1
# ---
def add_more(to, n):
    @to.stage
    def five(four):
        return four + n
add_more(flow, 1)
# ---
flow.stage(lambda five: five + 1, name="six")
# ---
flow.parameters = Parameters.define(start=6)
flow.stage(lambda six, start: six + start, name="twelve")
flow.stage(lambda: 0, name="nothing")
flow.remove("nothing")
""",
    "conditions and paths": """
import os
import sys
from pypedream import Pipeline
os.makedirs("src", exist_ok=True)
with open("src/own_rates.py", "w") as file:
    print("def rate(n): return 2 * n", file=file)
sys.path.append("src")
import own_rates
# ---
if sys.platform == "nowhere":
    SEPARATOR = ";"
else:
    SEPARATOR = ":"
# ---
flow = Pipeline("conditions")
@flow.stage
def joined():
    return SEPARATOR.join("ab"), own_rates.rate(3)
""",
    "async stages and future annotations": """
from __future__ import annotations
import asyncio
from pypedream import Parameters, Pipeline
# ---
flow = Pipeline("async", Parameters.define(n=2))
# ---
class Later:
    pass

@flow.stage
async def load(n: int) -> Missing:
    await asyncio.sleep(0)
    return n
# ---
@flow.stage
def items(n: int, load):
    for each in range(n):
        yield each + load
""",
    "modules by other names": """
import os.path
import xml.etree.ElementTree as ET
from math import *
import collections
from pypedream import Parameters, Pipeline
# ---
try:
    import surely_not_there as fast
except ImportError:
    fast = None
# ---
flow = Pipeline("modules")
# ---
@flow.stage
def load():
    tree = ET.fromstring('<a/>').tag
    return os.path.join('a', 'b'), tree, sqrt(4) + pi, fast is None, collections.Counter('aab')
""",
}

NOTEBOOKS = {name: text.split("# ---\n") for name, text in TEXTS.items()}

WITH_OWN_CLASSES = {"classes"}
"""Where an instance of the user's class counts, whose name has that of its module."""

ALSO_IN_FILES = {
    "stages, a helper and a constant",
    "decorators",
    "classes",
    "a pipeline within another",
    "stages added in other ways",
    "modules by other names",
}
"""Those that are tried as a script and as a module, too."""
