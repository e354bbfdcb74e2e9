"""Which of the loopback server's paths gives which document."""

import openml_documents as documents

API = "/api/v1/xml"
NO_RESULT = {"evaluation": 542, "run": 512, "setup": 674, "user": 500}
MAX_LIMIT = 1000
"""Of one listing, as the real server has it since version 1.2.6."""


def answer(site, path):
    """(status, body) of a path; a `KeyError` where there is no such thing."""
    match path.removeprefix(API).strip("/").split("/"):
        case ["task", id_]:
            task = site.tasks[int(id_)]
            return 200, documents.task_description(task, site.datasets[task.dataset_id], site.origin).encode()
        case ["data", "features", id_]:
            return 200, documents.features(site.datasets[int(id_)]).encode()
        case ["data", "qualities", id_]:
            return 200, documents.qualities(site.datasets[int(id_)]).encode()
        case ["data", "v1", "download", id_, _]:
            return 200, site.datasets[int(id_)].arff
        case ["data", id_]:
            return 200, documents.dataset_description(site.datasets[int(id_)], site.origin).encode()
        case ["datasets", id_, _]:
            return 200, site.datasets[int(id_)].pq
        case ["api_splits", "get", id_, _]:
            task = site.tasks[int(id_)]
            return 200, documents.splits_arff(task.folds, len(site.datasets[task.dataset_id].frame)).encode()
        case ["flow", id_]:
            return 200, documents.flow_description(site.flows[int(id_)]).encode()
        case [("evaluation" | "run" | "setup" | "user") as kind, "list", *filters]:
            return listing(site, kind, dict(zip(filters[::2], filters[1::2], strict=True)))
    raise KeyError(path)


def listing(site, kind, filters):
    """(status, body) of one page of a list; 412 where it is empty, or where more is asked for than is allowed."""
    if int(filters.get("limit", 0)) > MAX_LIMIT:
        return 412, documents.error(546, "Illegal filter specified", f"limit above {MAX_LIMIT}").encode()
    ids = {name: {int(i) for i in value.split(",")} for name, value in filters.items() if name in _ID_FILTERS}
    if kind == "user":
        return 200, documents.users(ids["user_id"]).encode()
    if kind == "setup":
        found = [site.setups[setup_id] for setup_id in sorted(ids["setup"] & site.setups.keys())]
    else:
        found = site.runs
        for name, wanted in ids.items():
            found = [run for run in found if getattr(run, _ID_FILTERS[name]) in wanted]
    if kind in ("evaluation", "run") and filters.get("show_errors") != "true":
        found = [run for run in found if run.error is None]
    start = int(filters.get("offset", 0))
    page = found[start : start + int(filters.get("limit", MAX_LIMIT))]
    if not page:
        return 412, documents.error(NO_RESULT[kind], "No results").encode()
    names = {flow.id: flow.name for flow in site.flows.values()}
    if kind == "setup":
        return 200, documents.setups(page, names).encode()
    if kind == "run":
        return 200, documents.runs_list(page).encode()
    of_task = {task.id: site.datasets[task.dataset_id] for task in site.tasks.values()}
    return 200, documents.evaluations(page, filters["function"], names, of_task).encode()


_ID_FILTERS = {"task": "task_id", "flow": "flow_id", "run": "id", "setup": "setup_id", "user_id": "uploader"}
