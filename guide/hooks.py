"""What MkDocs calls while it builds the guide (`hooks:` in mkdocs.yml)."""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import hpo_gym
from envs_registry.declaration import ENTRY_POINTS
from guide.drawn_tables import fill_in
from guide.environment_pages import environment_page, page_of
from guide.formulas import formulas_to_mathml
from guide.repository_links import Links, source_page, source_text

ROOT = Path(__file__).parents[1]
INCLUDED = {
    "CONTRIBUTING.md": "add_your_own.md",
    "CHANGELOG.md": "changelog.md",
    "LOG.md": "log.md",
    "leaderboards/README.md": "standings.md",
}
"""Files that stay where people look for them, and are pages too."""

DRAWN_FROM = {
    "README.md": "index.md",
    "envs_registry": "environments.md",
    "agents/catalogue.py": "agents.md",
    "hpo_gym/data/manifest.toml": "data.md",
}

LINKS = Links(
    root=ROOT,
    included=INCLUDED,
    drawn_from=DRAWN_FROM
    | {f"envs_registry/{each.path.name}": page_of(each) for each in hpo_gym.DECLARATIONS.values()},
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the drawn pages and the pages of results into the navigation, where mkdocs.yml names their folders."""
    docs = Path(config.docs_dir)
    results = sorted(docs.glob("results/*.md"), key=_heading)
    inside: dict[str, list[Any]] = {
        f"environments/{family}": [page_of(each) for each in hpo_gym.DECLARATIONS.values() if each.family == family]
        for family in ENTRY_POINTS
    }
    inside["results"] = [path.relative_to(docs).as_posix() for path in results]
    config.nav = _expanded(config.nav, inside)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand nowhere in `docs`."""
    pages = {uri: (ROOT / path).read_text(encoding="utf-8") for path, uri in INCLUDED.items()}
    pages |= {page_of(each): environment_page(each, Path(config.docs_dir)) for each in hpo_gym.DECLARATIONS.values()}
    texts = pages | {file.src_uri: file.content_string for file in files.documentation_pages()}
    sources = {path for uri, text in texts.items() for path in LINKS.sources(text, uri)}
    pages |= {source_page(path): source_text(ROOT, path) for path in sorted(sources)}
    for uri, text in pages.items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Draw what the page asks for, and lead its links to pages."""
    return LINKS.rewrite(fill_in(markdown), page.file.src_uri)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Set formulas."""
    return formulas_to_mathml(html)


def _expanded(nav: Any, inside: dict[str, list[Any]]) -> Any:
    """The navigation with the name of a folder (`results/`) replaced by its pages."""
    if isinstance(nav, dict):
        return {title: _expanded(entry, inside) for title, entry in nav.items()}
    if not isinstance(nav, list):
        return nav
    expanded = []
    for entry in nav:
        folder = entry.rstrip("/") if isinstance(entry, str) else ""
        expanded += inside[folder] if folder in inside else [_expanded(entry, inside)]
    return expanded


def _heading(path: Path) -> str:
    found = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else path.stem
