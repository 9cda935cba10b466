"""Stages that say something, in every way there is."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import structlog

from pypedream import Parameters, Pipeline, Secret, logger

flow = Pipeline("talking", Parameters.define(key=Secret("abcd-1234-efgh")))


@flow.stage
def talk(key):
    print("line 1: print")
    logging.getLogger("library").warning("line 2: logging of %s", "a library")
    structlog.get_logger("user").info("line 3: structlog", rows=3)
    logger.error("line 4: pypedream", rows=4)
    warnings.warn("line 5: warning", stacklevel=1)
    print("line 6: stderr", file=sys.stderr)
    print("line 7: two parts ", end="", flush=True)
    print("of a line")
    print("line 8: the key is", key.reveal())
    logging.getLogger("library").warning("line 9: the key is %s", key.reveal())
    print("line 10: no end", end="")
    return "said"


slow = Pipeline("slow", Parameters.define(seconds=60.0))


@slow.stage(timeout_s=1.0, retries=1, retry_delay_s=0.1)
def wait(seconds):
    print("waiting")
    time.sleep(seconds)
    return seconds


@slow.stage
def after(wait):
    return wait


far = Pipeline("far")


@far.stage(executor="processes")
def talk_there():
    print("line 1: print")
    logging.getLogger("library").warning("line 2: logging")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(print, "line 3: thread").result()
    return "said"
