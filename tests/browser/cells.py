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
