"""A submission whose words are markup, as if no check had seen it."""

import dataclasses

from leaderboards.standings import Entry
from leaderboards.submission import Manifest, ReplayOptions

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{ 7 * 7 }} {% raise %} &lt;b&gt; javascript:x"


def hostile(entry: Entry) -> Entry:
    """With what no check would let through."""
    manifest = Manifest.model_construct(
        format=1,
        board=HOSTILE,
        agent=HOSTILE,
        authors=(HOSTILE, HOSTILE),
        date=entry.manifest.date,
        licence=HOSTILE,
        code="https://example.org/\"><script>alert('code')</script>",
        training_compute=HOSTILE,
        training_cost=1.0,
        external_data=HOSTILE,
        description=HOSTILE,
        env_kwargs=ReplayOptions.model_construct(action=None, fidelity=None, recipe=HOSTILE),
    )
    record = entry.record and entry.record.model_copy(
        update={"agent": HOSTILE, "versions": {HOSTILE: HOSTILE}, "submission": HOSTILE}
    )
    submission = dataclasses.replace(entry.submission, manifest=manifest, episodes_sha256=HOSTILE)
    return dataclasses.replace(entry, submission=submission, record=record)
