"""Stages that read and write files: the `files` dialect."""
