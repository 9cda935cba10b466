"""Cells of the notebooks under test."""

from __future__ import annotations

WEATHER = """
    import logging
    import warnings

    from pypedream import Parameters, Pipeline, Secret

    flow = Pipeline("weather", Parameters.define(coldest=-50.0, key=Secret("abcd-1234")))

    @flow.stage
    def load(key):
        print("reading <three> rows & more")
        warnings.warn("one row is odd", stacklevel=1)
        logging.getLogger("source").error("one row is lost")
        return [12.5, 14.0, -99.0]

    @flow.stage
    def clean(load, coldest):
        print("kept those above", coldest)
        return [value for value in load if value > coldest]

    @flow.stage
    def count(clean):
        return len(clean)

    @flow.stage
    def mean(clean, count):
        return sum(clean) / count
"""
FAILING = WEATHER.replace("return len(clean)", "return 0")
# A stage that goes on until the file "go" is beside the notebook.
HELD = """
    import time
    from pathlib import Path

    from pypedream import Pipeline

    flow = Pipeline("held")

    @flow.stage
    def load():
        print("loaded")
        return [1, 2, 3]

    @flow.stage
    def wait(load):
        print("waiting for a file")
        while not Path("go").exists():
            time.sleep(0.02)
        return load

    @flow.stage
    def total(wait):
        return sum(wait)
"""
