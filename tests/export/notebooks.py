"""Notebooks in miniature: cells that define a pipeline, by what they show.

Each is a list of cells whose pipeline is called ``flow`` and runs without being given anything.
"""

from __future__ import annotations

HEAD = "from pypedream import Parameters, Pipeline"

NOTEBOOKS: dict[str, list[str]] = {
    "stages, a helper and a constant": [
        "import math\nfrom pypedream import Parameters, Pipeline\nunused = open(__import__('os').devnull)",
        "# per year\nRATE = 0.5\n\ndef scaled(row):\n    # by the rate\n    return row * RATE * math.pi",
        'flow = Pipeline("co2", Parameters.define(rows=[1, 2, 3]))',
        "@flow.stage\ndef load(rows):\n    return rows",
        "@flow.stage\ndef total(load):\n    return sum(map(scaled, load))",
    ],
    "a stage defined twice": [
        f'{HEAD}\nflow = Pipeline("twice")',
        "@flow.stage\ndef load():\n    return 1",
        "@flow.stage\ndef load():\n    return 2",
        "@flow.stage\ndef double(load):\n    return 2 * load",
        "load = 5",
    ],
    "a helper defined again": [
        f'{HEAD}\nflow = Pipeline("again")\ndef helper():\n    return 1',
        "@flow.stage\ndef load():\n    return helper()",
        "def helper():\n    return 2",
    ],
    "decorators": [
        f"from functools import lru_cache, wraps\n{HEAD}",
        "def doubled(function):\n    @wraps(function)\n    def inner(*given, **named):\n"
        "        return 2 * function(*given, **named)\n    return inner",
        "@lru_cache\ndef fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)",
        'flow = Pipeline("decorated", Parameters.define(n=10))',
        '@flow.stage(name="number")\n@doubled\ndef whatever(n):\n    return fib(n)',
    ],
    "lambdas, partials and closures": [
        f"from functools import partial\n{HEAD}",
        "square = lambda x: x * x\npower = partial(pow, 2)",
        "def adder(n):\n    def add(x):\n        return x + n\n    return add\nadd3 = adder(3)",
        'flow = Pipeline("lambdas", Parameters.define(n=4))',
        'flow.stage(lambda n: square(n), name="squared")\nflow.stage(lambda n: power(n), name="power")',
        "@flow.stage\ndef added(n):\n    return add3(n)",
    ],
    "classes": [
        f"import enum\nimport attrs\nfrom collections import namedtuple\nfrom dataclasses import dataclass\n{HEAD}",
        "class Colour(enum.Enum):\n    RED = 1\n    BLUE = 2",
        "@dataclass(frozen=True)\nclass Limits:\n    low: int\n    high: int = 9\n\nLIMITS = Limits(2)\n"
        "Point = namedtuple('Point', 'x y')\nORIGIN = Point(0, 1)",
        "class Base:\n    def make(self):\n        return Row(3)\n\n@attrs.define\nclass Row(Base):\n"
        "    x: int\n    def doubled(self):\n        return 2 * self.x",
        'flow = Pipeline("classes", Parameters.define(colour=Colour.RED))',
        "@flow.stage\ndef load(colour):\n"
        "    return Row(LIMITS.low).doubled(), colour.name, Base().make().x, ORIGIN.y",
    ],
    "constants": [
        "import datetime as dt\nimport re\nfrom decimal import Decimal\n"
        f"from pathlib import Path\n{HEAD}",
        "START = dt.date(2020, 1, 1)\nWORD = re.compile(r'\\w+')\nPRICE = Decimal('1.10')\n"
        "DATA = Path('data') / 'rows.csv'\nORIGIN = complex(0, 1)\n"
        "LONG = {n: n * n for n in range(300)}\nA, B = 1, 2\nDAY_S: int = 24 * 60 * 60",
        "COUNT = 1\nCOUNT += 1\nTABLE = {}\nTABLE['a'] = [1, 2]",
        'flow = Pipeline("constants")',
        "@flow.stage\ndef all_of_them():\n"
        "    return (START.isoformat(), WORD.findall('a b'), PRICE, DATA.name, ORIGIN.imag, LONG[7], A + B,\n"
        "            DAY_S, COUNT, TABLE)",
    ],
    "containers that are filled": [
        f'{HEAD}\nlog = []\nseen = {{}}\ncount = 0\nflow = Pipeline("filled")',
        "@flow.stage\ndef load():\n    global count\n    count += 1\n    log.append(1)\n    seen[1] = 2\n"
        "    return 3",
        "flow.run(progress=False)",
    ],
    "maps and patterns": [
        f"from pypedream import patterns\n{HEAD}",
        'flow = Pipeline("maps", Parameters.define(numbers=[1, 2, 3], factors=[10, 20]))',
        "@flow.stage(over={'n': 'numbers'}, retries=2)\ndef squares(n):\n    return n * n",
        "@flow.stage(over=patterns.cross('numbers', 'factors'))\ndef table(numbers, factors):\n"
        "    return numbers * factors",
        "flow.stage(patterns.reduce(lambda total, n: total + n, over='squares', initial=0, name='total'))",
        "flow.stage(patterns.broadcast([min, max], over='numbers', name='ends'))",
    ],
    "conditions, order and outputs": [
        "from pypedream import CHILL, Input, InputBinding, SequentialOutputMapper, Variables, context\n"
        f"from pypedream import dependency, immediate, param, var\n{HEAD}",
        "parameters = Parameters.define(n=3, is_quick=False)\nvariables = Variables.define(seen=0)\n"
        'flow = Pipeline("wired", parameters, variables=variables, on_error="continue")',
        "@flow.stage(output_mapper=SequentialOutputMapper(['low', 'high'], CHILL))\ndef split(n):\n"
        "    return n - 1, n + 1",
        "@flow.stage(inputs=[dependency('split', 'x', 'high'), immediate(2, 'y'), var('seen')],\n"
        "            after='split', tags='slow')\ndef product(x, y, seen):\n    return x * y + seen",
        "@flow.stage(when='is_quick')\ndef skipped(n):\n    return n",
        "@flow.stage(when=lambda n: n > 2, version='1', retry_on=(ValueError, KeyError))\n"
        "def counted(n):\n    context.VARIABLES.get().seen = n\n    return n",
    ],
    "a pipeline within another": [
        f"from pypedream import patterns\n{HEAD}",
        'bronze = Pipeline("bronze", Parameters.define(n=2))\n\n@bronze.stage\ndef load(n):\n    return n',
        'flow = Pipeline("whole", Parameters.define(factor=3))\nflow.include(bronze, prefix="bronze")',
        "@flow.stage(inputs=[__import__('pypedream').dependency('bronze.load', 'rows')])\n"
        "def times(rows, factor):\n    return rows * factor",
    ],
    "parameters with rules": [
        f"from pypedream import Parameter\nfrom pathlib import Path\n{HEAD}",
        "MOST = 20\nparameters = Parameters.define(\n    depth=Parameter(int, 3, min=1, max=MOST, help='levels'),\n"
        "    kind=Parameter(choices=['a', 'b'], default='a'),\n    model={'rate': 0.1},\n"
        "    folder=Path('data'),\n)",
        'flow = Pipeline("rules", parameters)',
        "@flow.stage\ndef fit(depth, kind, model, folder):\n"
        "    return depth, kind, model.rate, folder.name",
    ],
    "parameters of a class": [
        f"import attrs\n{HEAD}",
        "@attrs.frozen\nclass Settings:\n    depth: int = 3\n    rate: float = 0.5",
        'flow = Pipeline("settings", Settings)',
        "@flow.stage\ndef fit(depth, rate):\n    return depth * rate",
    ],
    "stages made in a loop and in a function": [
        HEAD,
        "def build(name):\n    made = Pipeline(name, Parameters.define(n=2))\n    @made.stage\n"
        "    def load(n):\n        return n\n    return made",
        'flow = build("built")',
        "for factor in (2, 3):\n    flow.stage(lambda load, factor=factor: load * factor,"
        " name=f'times_{factor}')",
        "def double(load):\n    return 2 * load\nflow.stage(double, name='twice')\n"
        "flow.stage('thrice', retries=1)(lambda load: 3 * load)",
    ],
    "async stages and future annotations": [
        f"from __future__ import annotations\nimport asyncio\n{HEAD}",
        'flow = Pipeline("async", Parameters.define(n=2))',
        "class Later:\n    pass\n\n@flow.stage\nasync def load(n: int) -> Missing:\n"
        "    await asyncio.sleep(0)\n    return n",
        "@flow.stage\ndef items(n: int, load):\n    for each in range(n):\n        yield each + load",
    ],
    "modules by other names": [
        f"import os.path\nimport xml.etree.ElementTree as ET\nfrom math import *\nimport collections\n{HEAD}",
        "try:\n    import surely_not_there as fast\nexcept ImportError:\n    fast = None",
        'flow = Pipeline("modules")',
        "@flow.stage\ndef load():\n    tree = ET.fromstring('<a/>').tag\n"
        "    return os.path.join('a', 'b'), tree, sqrt(4) + pi, fast is None, collections.Counter('aab')",
    ],
}

WITH_OWN_CLASSES = {"classes"}
"""Where an instance of the user's class counts, whose name has that of its module."""

IN_CELLS_ONLY = {"a stage defined twice"}
"""What a script may not do."""
