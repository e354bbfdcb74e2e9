"""Formulas as MathML, made when the guide is built: no script and no font has to be fetched to read them."""

import html
import re

from latex2mathml.converter import convert

# What pymdownx.arithmatex makes of `$...$` and `$$...$$` with `generic: true`.
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
_MARKED = re.compile(r'<mi mathvariant="double-struck">(\w)</mi>')
_DOUBLE_STRUCK = {"E": "𝔼", "N": "ℕ", "P": "ℙ", "R": "ℝ"}


def formulas_to_mathml(page: str) -> str:
    """A page's HTML with its formulas replaced."""
    return _FORMULA.sub(_mathml, page)


def _mathml(found: re.Match[str]) -> str:
    is_display = found[2] == "["
    mathml = convert(html.unescape(found[3]).strip(), display="block" if is_display else "inline")
    # Browsers know MathML Core, which has the letters themselves and no variants of them.
    mathml = _MARKED.sub(lambda letter: f"<mi>{_DOUBLE_STRUCK[letter[1]]}</mi>", mathml)
    return f'<{found[1]} class="formula">{mathml}</{found[1]}>'
