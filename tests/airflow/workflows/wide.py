"""A workflow of two hundred stages."""

from __future__ import annotations

from pypedream import Parameters, Pipeline, dependency

flow = Pipeline("wide", Parameters.define(n=1))
flow.stage(lambda n: n, name="s0")
for number in range(1, 200):
    before = {f"s{number - 1}", f"s{number // 2}"}
    flow.stage(
        lambda **values: sum(values.values()) % 1000,
        name=f"s{number}",
        inputs=[dependency(key, key) for key in sorted(before)],
    )
