"""What pages tell readers to type: Python runs, commands exist, and those that cost nothing run too."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guide.code_blocks import ROOT, CodeBlock, MarkError, code_blocks, pages
from guide.shell_commands import CommandError, check_command, commands_of, our_application
from hpo_gym.data.cache import candidates
from hpo_gym.data.manifest import manifest

PAGES = pages()
QUICK = ("README.md", "docs/quickstart.md")
"""Whose blocks run always, as people type them first; those of the others take seconds a page, too."""


def with_blocks(when: set[str]) -> list[str]:
    return [page for page in PAGES if any(block.when in when for block in code_blocks(page))]


def is_here(needed: str) -> bool:
    """A data set of the manifest that lies on the disk, or a package that can be imported."""
    if needed in manifest():
        return any(path.exists() for path in candidates(manifest()[needed]))
    return importlib.util.find_spec(needed) is not None


def run_blocks(page: str, when: set[str]) -> None:
    """The page's blocks in order, in the current folder; Python shares one namespace."""
    namespace: dict[str, object] = {"__name__": "a_page_of_the_guide"}
    for block in code_blocks(page):
        if block.when not in when or (block.needs and not is_here(block.needs)):
            continue
        if block.language == "python":
            exec(compiled(block), namespace)
        else:
            run_commands(block)


def compiled(block: CodeBlock):
    return compile("\n" * (block.line - 1) + block.code, block.page, "exec")


def run_commands(block: CodeBlock) -> None:
    for words in commands_of(block.code):
        app = our_application(words)
        assert app, f"{block.page}:{block.line}: only this project's commands are run, not {shlex.join(words)}"
        result = CliRunner().invoke(app, words[1 if words[0] == "hpo-gym" else 3 :])
        assert result.exit_code == 0, f"{block.page}:{block.line}: {shlex.join(words)}\n{result.output}"


@pytest.mark.parametrize(
    "page", [pytest.param(each, marks=[] if each in QUICK else [pytest.mark.slow]) for each in with_blocks({"always"})]
)
def test_the_blocks_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(page, {"always"})


@pytest.mark.slow
@pytest.mark.parametrize("page", with_blocks({"slow"}))
def test_the_slow_blocks_of_a_page_run_too(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(page, {"always", "slow"})


@pytest.mark.parametrize("page", PAGES)
def test_blocks_that_do_not_run_can_at_least_be_read(page: str) -> None:
    for block in code_blocks(page):
        if block.language == "python":
            compiled(block)
        else:
            for words in commands_of(block.code):
                check_command(words)


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_are_named_in_passing_exist(page: str) -> None:
    prose = re.sub(r"^( *)```.*?^\1```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for named in re.findall(r"`((?:hpo-gym|python -m|make) [^`]+)`", prose):
        for words in commands_of(named.replace("...", "").replace("\n", " ")):
            check_command(words, may_lack_arguments=True)


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("hpo-gym evaluate random", "ENV_ID"),
        ("hpo-gym evaluate random X --sedes 3", "sedes"),
        ("hpo-gym evaluat", "evaluat"),
        ("python -m agents train jel --env X --seed -1", "seed"),
        ("python -m benchmarks.rivals --nothing-like-it", "exit 2"),
        ("python -m benchmarks.nothing", "no such module"),
        ("make dmeo", "dmeo"),
        ('pip install "hpo_gym[rayy]"', "rayy"),
        ("rm -r /", "rm"),
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str, complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        check_command(next(iter(commands_of(command))))


def test_words_of_commands_are_read_as_a_shell_does() -> None:
    code = "A=1 one 'a b' \\\n  --c # d\ntwo > f && three | four; five\n"
    assert list(commands_of(code)) == [["one", "a b", "--c"], ["two"], ["three"], ["four"], ["five"]]


@pytest.mark.parametrize("mark", ["slow", "run: it", "not run", "runs", "needs"])
def test_a_mark_that_means_nothing_or_has_no_reason_is_an_error(mark: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"# A\n\n<!-- {mark} -->\n```python\nx = 1\n```\n")
    with pytest.raises(MarkError, match=r"a\.md:4: .*not run: REASON"):
        code_blocks("a.md", tmp_path)


def test_a_block_knows_where_it_stands_and_when_it_runs(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "```python\nx = 1\n```\n\n<!-- slow: a reason -->\n```sh\nls\n```\n\n```toml\na = 1\n```\n"
    )
    assert code_blocks("a.md", tmp_path) == (
        CodeBlock(page="a.md", line=2, language="python", code="x = 1\n", when="always"),
        CodeBlock(page="a.md", line=7, language="sh", code="ls\n", when="slow"),
    )
