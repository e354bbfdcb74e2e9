import json

from golden import PATH, measure


def test_the_embedded_table_gives_the_stored_searches():
    assert measure() == json.loads(PATH.read_text()), "if that is meant, run `make golden` and say so in CHANGELOG.md"
