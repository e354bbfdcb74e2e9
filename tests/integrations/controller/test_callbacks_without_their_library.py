"""Bridges whose library is not installed."""

import importlib
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "library"), [("transformers_callback", "transformers"), ("lightning_callback", "lightning")]
)
def test_one_line_says_what_is_missing_and_how_to_get_it(module, library, monkeypatch):
    name = f"hpo_gym.integrations.{module}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    for imported in [library, *(key for key in sys.modules if key.startswith(f"{library}."))]:
        monkeypatch.setitem(sys.modules, imported, None)
    with pytest.raises(ImportError) as caught:
        importlib.import_module(name)
    first, _, rest = str(caught.value).partition(": ")
    assert first.startswith(library)
    assert rest == f'pip install "hpo_gym[{library}]"'
