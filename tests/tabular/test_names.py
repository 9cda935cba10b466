"""What users of the names know of them: which arguments, in which order, with which defaults."""

from __future__ import annotations

from inspect import Parameter, signature

import pytest

from pypedream import tabular

pytest.importorskip("pandera")

CALLS = {
    "Pipeline.add_step": "self label fn files=None step_id=None depends_on=None kind='step'",
    "Pipeline.add_filter": "self label fn files step_id=None depends_on=None",
    "Pipeline.configure_steps": "self",
    "AstroFile": "spec ingest_record run_directory _active_path"
    " large_file_threshold_bytes=104857600 run_batch_size=100000",
    "AstroFile.hydrate": "spec ingest_record run_directory"
    " large_file_threshold_bytes=104857600 run_batch_size=100000",
    "AstroFile.iter_batches": "self batch_size=None",
    "AstroFile.sink": "self lazy_frame row_group_size=None",
    "AstroFile.save_in_place": "self dataframe",
    "AstroFile.save_in_place_lazy": "self lazy_frame",
    "AstroFile.save_to": "self subfolder filename dataframe",
    "AstroFile.save_to_lazy": "self subfolder filename lazy_frame",
    "AstroFile.output_path": "self subfolder filename",
    "AstroFile.set_active_path": "self path",
    "StepDefinition": "step_id label fn file_specs depends_on kind='step' is_by_name=False",
    "StepContext": "pipeline_dir run_directory run_id run_date step_id logger report_progress"
    " quarantine stats",
    "StepQuarantine.quarantine_rows": "self file rows reason",
    "StepQuarantine.quarantine_row": "self file row reason",
    "slugify_step_label": "label",
    "StatisticsRecorder": "run_id store step_id=None file_names=None",
    "StatisticsRecorder.record_run": "self action value",
    "StatisticsRecorder.record_file": "self file_name action value",
    "StatisticsRecorder.record_step": "self action value step_id=None",
    "StatisticsRecorder.for_step": "self step_id",
    "StatRecord": "run_id scope subject action value recorded_at",
    "CanonicalIdResolver": "pipeline_dir name hash_groups",
    "IngestedSource": "path data",
}
SETTINGS = {
    "name": "pipeline",
    "execution_mode": "serial",
    "step_execution_mode": "serial",
    "max_parallel_workers": None,
    "large_file_threshold_bytes": 104_857_600,
    "ingest_batch_size": 100_000,
    "run_batch_size": 100_000,
}


def said(parameter):
    has_default = parameter.default is not Parameter.empty
    default = str(parameter.default) if parameter.default == "step" else parameter.default
    return f"{parameter.name}={default!r}" if has_default else parameter.name


@pytest.mark.parametrize("name, arguments", CALLS.items(), ids=CALLS)
def test_a_name_takes_the_arguments_that_it_is_known_for(name, arguments):
    """In this order; keywords that came later are after them."""
    first, _, method = name.partition(".")
    call = getattr(tabular, first)
    call = getattr(call, method) if method else call

    assert [said(each) for each in signature(call).parameters.values()] == arguments.split()


@pytest.mark.parametrize("name, value", SETTINGS.items(), ids=SETTINGS)
def test_a_pipeline_has_its_usual_settings(name, value):
    """A class that derives from it may say otherwise."""
    assert getattr(tabular.Pipeline, name) == value
