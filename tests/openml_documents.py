"""What OpenML's answers look like: its XML, its ARFF and its lists, as the loopback server writes them."""

import json
from xml.sax.saxutils import escape, quoteattr

import pandas as pd

NAMESPACE = 'xmlns:oml="http://openml.org/openml"'


def element(name, content):
    """<oml:NAME>content</oml:NAME>; nothing where the content is None."""
    return "" if content is None else f"<oml:{name}>{escape(str(content))}</oml:{name}>"


def document(root, *inside):
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<oml:{root} {NAMESPACE}>{"".join(inside)}</oml:{root}>\n'


def fields(**contents):
    return "".join(element(name, content) for name, content in contents.items())


def error(code, message, more=None):
    return document("error", fields(code=code, message=message, additional_information=more))


def attribute_type(column):
    """A column of a data frame -> ARFF's type, and the categories where it is nominal."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "nominal", [str(category) for category in column.cat.categories]
    if pd.api.types.is_bool_dtype(column):
        return "nominal", ["FALSE", "TRUE"]
    return ("numeric", []) if pd.api.types.is_numeric_dtype(column) else ("string", [])


def arff(frame, name):
    """A data frame as ARFF, missing values as question marks."""
    lines = [f"@RELATION {name}", ""]
    for column in frame.columns:
        kind, categories = attribute_type(frame[column])
        shown = "{" + ",".join(f"'{c}'" for c in categories) + "}" if kind == "nominal" else kind.upper()
        lines.append(f"@ATTRIBUTE '{column}' {shown}")
    rows = [",".join(_arff_value(value) for value in row) for row in frame.itertuples(index=False)]
    return "\n".join([*lines, "", "@DATA", *rows, ""])


def _arff_value(value):
    if pd.isna(value):
        return "?"
    if isinstance(value, bool):
        return str(value).upper()
    return f"'{value}'" if isinstance(value, str) else repr(float(value))


def splits_arff(folds, n_rows):
    """ARFF of a cross-validation: `folds[repeat][fold]` are the test rows."""
    lines = ["@RELATION splits", "", "@ATTRIBUTE type {TRAIN,TEST}", "@ATTRIBUTE rowid INTEGER"]
    lines += ["@ATTRIBUTE repeat INTEGER", "@ATTRIBUTE fold INTEGER", "", "@DATA"]
    for repeat, tests in enumerate(folds):
        for fold, test in enumerate(tests):
            lines += [f"TRAIN,{row},{repeat},{fold}" for row in sorted({*range(n_rows)} - {*test})]
            lines += [f"TEST,{row},{repeat},{fold}" for row in test]
    return "\n".join([*lines, ""])


def dataset_description(dataset, url):
    """The answer to data/ID."""
    return document(
        "data_set_description",
        fields(id=dataset.id, name=dataset.name, version=1, description="made by a test", format="ARFF"),
        fields(creator="A. Person", upload_date="2020-01-01T00:00:00", licence=dataset.licence),
        fields(url=f"{url}/data/v1/download/{dataset.id}/{dataset.name}.arff"),
        element("parquet_url", f"{url}/datasets/{dataset.id}/dataset_{dataset.id}.pq" if dataset.parquet else None),
        fields(file_id=dataset.id, default_target_attribute=dataset.target, row_id_attribute=dataset.row_id),
        "".join(element("ignore_attribute", name) for name in dataset.ignore),
        fields(citation=dataset.citation, visibility="public", status="active", md5_checksum=dataset.md5),
    )


def features(dataset):
    """The answer to data/features/ID."""
    entries = []
    for index, name in enumerate(dataset.frame.columns):
        column = dataset.frame[name]
        kind, categories = attribute_type(column)
        nominal = "".join(element("nominal_value", category) for category in categories)
        flags = fields(
            is_target=str(name == dataset.target).lower(),
            is_ignore=str(name in dataset.ignore).lower(),
            is_row_identifier=str(name == dataset.row_id).lower(),
            number_of_missing_values=int(column.isna().sum()),
        )
        entry = fields(index=index, name=name, data_type=kind) + nominal + flags
        entries.append(f"<oml:feature>{entry}</oml:feature>")
    return document("data_features", *entries)


def qualities(dataset):
    """The answer to data/qualities/ID."""
    found = {
        "NumberOfInstances": len(dataset.frame),
        "NumberOfFeatures": dataset.frame.shape[1],
        "NumberOfClasses": dataset.frame[dataset.target].nunique(),
        "NumberOfMissingValues": int(dataset.frame.isna().sum().sum()),
    }
    return document(
        "data_qualities",
        *(f"<oml:quality>{fields(name=name, value=float(value))}</oml:quality>" for name, value in found.items()),
    )


def task_description(task, dataset, url):
    """The answer to task/ID."""
    type_id, type_name = (1, "Supervised Classification") if task.is_classification else (2, "Supervised Regression")
    procedure = fields(
        id=1, type="crossvalidation", data_splits_url=f"{url}/api_splits/get/{task.id}/Task_{task.id}_splits.arff"
    )
    parameters = {"number_repeats": len(task.folds), "number_folds": len(task.folds[0]), "percentage": "",
                  "stratified_sampling": "true"}  # fmt: skip
    procedure += "".join(
        f"<oml:parameter name={quoteattr(name)}>{value}</oml:parameter>" for name, value in parameters.items()
    )
    source = fields(data_set_id=dataset.id, target_feature=dataset.target)
    measures = (
        f"<oml:evaluation_measures>{element('evaluation_measure', 'predictive_accuracy')}</oml:evaluation_measures>"
    )
    return document(
        "task",
        fields(task_id=task.id, task_name=f"Task {task.id}", task_type_id=type_id, task_type=type_name),
        f'<oml:input name="source_data"><oml:data_set>{source}</oml:data_set></oml:input>',
        '<oml:input name="estimation_procedure"><oml:estimation_procedure>'
        f"{procedure}</oml:estimation_procedure></oml:input>",
        f'<oml:input name="evaluation_measures">{measures}</oml:input>',
    )


def evaluations(runs, function, flow_names, dataset_of_task):
    """The answer to evaluation/list; a run without a value has none here either."""
    entries = []
    for run in runs:
        dataset = dataset_of_task.get(run.task_id)
        entry = fields(
            run_id=run.id, task_id=run.task_id, setup_id=run.setup_id, flow_id=run.flow_id,
            flow_name=flow_names.get(run.flow_id, "unknown"), function=function,
            data_id=dataset.id if dataset else 1, data_name=dataset.name if dataset else "unknown",
            upload_time="2020-01-01 00:00:00", uploader=run.uploader, value=run.values.get(function),
            array_data=json.dumps([0.5, 0.5]),
        )  # fmt: skip
        entries.append(f"<oml:evaluation>{entry}</oml:evaluation>")
    return document("evaluations", *entries)


def runs_list(runs):
    """The answer to run/list."""
    entries = []
    for run in runs:
        entry = fields(
            run_id=run.id, task_id=run.task_id, task_type_id=1, setup_id=run.setup_id, flow_id=run.flow_id,
            uploader=run.uploader, upload_time="2020-01-01 00:00:00", error_message=run.error or "",
        )  # fmt: skip
        entries.append(f"<oml:run>{entry}</oml:run>")
    return document("runs", *entries)


def users(ids):
    """The answer to user/list."""
    return document(
        "users", *(f"<oml:user>{fields(id=user, username=f'user {user}')}</oml:user>" for user in sorted(ids))
    )


def setups(found, flow_names):
    """The answer to setup/list."""
    return document("setups", *(f"<oml:setup>{_setup(setup, flow_names)}</oml:setup>" for setup in found))


def _setup(setup, flow_names):
    parameters = []
    for number, (name, value) in enumerate(setup.parameters.items()):
        component, _, plain = name.rpartition("_") if ")_" not in name else name.partition(")_")
        full_name = name if ")_" in name else f"{flow_names[setup.flow_id]}(1)_{name}"
        parameter = fields(
            id=setup.id * 1000 + number, flow_id=setup.flow_id, flow_name=component or flow_names[setup.flow_id],
            full_name=full_name, parameter_name=plain if ")_" in name else name, data_type="", default_value="[]",
            value=value or "",
        )  # fmt: skip
        parameters.append(f"<oml:parameter>{parameter}</oml:parameter>")
    return fields(setup_id=setup.id, flow_id=setup.flow_id) + "".join(parameters)


def flow_description(flow):
    """The answer to flow/ID."""
    return document(
        "flow",
        fields(id=flow.id, uploader=1, name=flow.name, version=1, external_version="test==1.0"),
        fields(description="made by a test", upload_date="2020-01-01T00:00:00", language="English"),
        fields(dependencies=flow.dependencies),
    )
