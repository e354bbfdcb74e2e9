"""The pages in Chromium: sorting, filtering, themes, phones and keyboards; silent, and alone with their own files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_words import HOSTILE, hostile

from benchmarks.chromium import Browser, missing
from benchmarks.made_up_leaderboard import OLD_SEARCH, RUN, SEARCH
from leaderboards.pages.site import write_site
from leaderboards.standings import standings
from leaderboards.store import Store

if missing():
    pytest.skip(missing(), allow_module_level=True)
pytest.importorskip("selenium", reason="needs selenium: pip install hpo_gym[dev]")

from selenium.webdriver.common.keys import Keys

AGENTS = """return [...document.querySelectorAll("#board tr.entry")].filter((row) => !row.hidden)
  .map((row) => row.cells[1].querySelector("a").textContent)"""
COLUMN = """return [...document.querySelectorAll("#board tbody.ranked tr.entry")].map((row) => row.cells[arguments[0]])
  .map((cell) => cell.dataset.value ?? cell.textContent.trim())"""
STATUS = "return document.querySelector('[role=status]').textContent"
SORTED = """return [...document.querySelectorAll("#board th[aria-sort]")]
  .map((th) => [th.cellIndex, th.getAttribute("aria-sort")])"""
PAGES = ("index.html", f"{SEARCH}/index.html", f"{OLD_SEARCH}/index.html", f"{RUN}/index.html")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.driver.quit()


@pytest.fixture
def browser(session: Browser) -> Iterator[Browser]:
    """The one session; after each test nothing was said on the console and nothing asked of the network."""
    session.console()
    session.requested()
    yield session
    assert session.console() == []
    elsewhere = [url for url in session.requested() if not url.startswith(("file:", "data:"))]
    assert elsewhere == []


def every_page(site: Path) -> list[Path]:
    """The boards', and a submission's of each kind."""
    submissions = [
        next((site / board).glob(name)) for board in (SEARCH, RUN) for name in ("*-agent-000.html", "*-newcomer.html")
    ]
    return [*(site / page for page in PAGES), *submissions]


def heading(column: int) -> str:
    return f"#board thead th:nth-child({column + 1}) button"


def sort_by(browser: Browser, column: int) -> None:
    """A click, and until the last row is where it belongs."""
    browser.click(heading(column))
    browser.wait("return document.getElementById('board').ariaBusy === 'false'")


def test_a_click_on_a_heading_sorts_and_another_turns_round(browser: Browser, site: Path) -> None:
    browser.open(site / SEARCH / "index.html")
    assert browser.run(SORTED) == [[0, "ascending"]]
    for column in range(2, 6):
        sort_by(browser, column)
        assert browser.run(SORTED) == [[column, "ascending"]]
        values = [float(value) for value in browser.run(COLUMN, column)]
        assert values == sorted(values)
        sort_by(browser, column)
        assert browser.run(SORTED) == [[column, "descending"]]
        assert [float(value) for value in browser.run(COLUMN, column)] == values[::-1]
    assert "Rank after 50 trials, descending" in browser.run(STATUS)


def test_every_column_sorts_and_the_groups_below_stay_below(browser: Browser, site: Path) -> None:
    browser.open(site / RUN / "index.html")
    n_columns = browser.run("return document.querySelectorAll('#board thead th').length")
    assert n_columns == len(
        browser.run("return [...document.querySelectorAll('#board thead th > button')].map(b => b.textContent)")
    )
    for column in range(n_columns):
        sort_by(browser, column)
        assert browser.run(SORTED)[0][0] == column
        assert browser.run(AGENTS)[-2:] == ["reference", "newcomer"]
    browser.run("document.querySelector('.scroll').scrollLeft = 0")
    sort_by(browser, 1)
    assert browser.run(AGENTS)[:3] == ["agent-000", "rival-off", "rival-tuned"]
    higher_is_better = 3
    sort_by(browser, higher_is_better)
    assert browser.run(SORTED) == [[higher_is_better, "descending"]]


def test_the_first_rows_move_at_once_and_a_second_click_overtakes_the_others(browser: Browser, site: Path) -> None:
    browser.open(site / SEARCH / "index.html")
    names = browser.run(AGENTS)
    clicks = "const b = document.querySelector(arguments[0]); for (let i = 0; i < arguments[1]; i++) b.click();"
    at_once = browser.run(clicks + AGENTS, heading(0), 1)
    assert at_once[:25] == names[:30][::-1][:25]
    browser.wait("return document.getElementById('board').ariaBusy === 'false'")
    assert browser.run(AGENTS) == [*names[:30][::-1], names[30]]
    browser.run(clicks, heading(0), 5)
    browser.wait("return document.getElementById('board').ariaBusy === 'false'")
    assert browser.run(AGENTS) == names


def test_the_keyboard_alone_reaches_the_content_and_sorts(browser: Browser, site: Path) -> None:
    browser.open(site / SEARCH / "index.html")
    browser.press(Keys.TAB)
    assert browser.run("return document.activeElement.className") == "skip"
    assert browser.run("return document.activeElement.getBoundingClientRect().left") == 0
    browser.press(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "content"
    for _ in range(12):
        browser.press(Keys.TAB)
        if browser.run("return document.activeElement.closest('th')?.cellIndex") == 1:
            break
    assert browser.run("return document.activeElement.textContent") == "Agent"
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press(Keys.ENTER)
    assert browser.run(SORTED) == [[1, "ascending"]]
    assert browser.run(AGENTS)[0] == "agent-000"
    browser.press(Keys.SPACE)
    assert browser.run(SORTED) == [[1, "descending"]]
    assert browser.run(AGENTS)[0] == "rival-random"
    assert browser.run("return document.activeElement.textContent") == "Agent"


def test_the_box_filters_by_words_and_says_how_many_are_left(browser: Browser, site: Path) -> None:
    browser.open(site / SEARCH / "index.html")
    assert browser.run(STATUS) == "Showing 31 of 31"
    assert browser.run("return document.querySelector('[role=status]').ariaLive ?? 'polite'") == "polite"
    browser.type("#find", "RIVAL model")
    assert browser.run(AGENTS) == ["rival-model"]
    assert browser.run(STATUS) == "Showing 1 of 31"
    browser.type("#find", " nobody", Keys.ENTER)
    assert browser.run(AGENTS) == []
    assert browser.run("return [...document.querySelectorAll('#board tbody')].every(b => b.hidden)")
    browser.type("#find", *[Keys.BACKSPACE] * 30)
    assert browser.run(STATUS) == "Showing 31 of 31"


def test_evidence_and_references_filter(browser: Browser, site: Path) -> None:
    browser.open(site / RUN / "index.html")
    browser.choose("#tier", "submitted")
    assert browser.run(AGENTS) == ["newcomer"]
    browser.choose("#tier", "any")
    assert "reference" in browser.run(AGENTS)
    browser.click("#no-references")
    assert browser.run(STATUS) == "Showing 4 of 5"
    assert "reference" not in browser.run(AGENTS)
    sort_by(browser, 2)
    assert "reference" not in browser.run(AGENTS)
    browser.click("#no-references")
    assert browser.run(STATUS).startswith("Showing 5 of 5, by Validation bits per byte")


def test_links_lead_from_the_index_to_a_submission_and_back(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    browser.click("article h3 a")
    assert browser.driver.current_url == (site / SEARCH / "index.html").as_uri()
    browser.click("#board tbody.ranked th a")
    assert browser.driver.title.endswith("Searches of ten made-up tables · hpo_gym leaderboards")
    assert browser.run("return document.querySelectorAll('svg.chart').length") == 10
    browser.click(".crumbs a")
    assert browser.driver.current_url == (site / "index.html").as_uri()


def test_the_theme_follows_the_system_until_it_is_chosen_and_then_stays(browser: Browser, site: Path) -> None:
    dark, light = "rgb(13, 17, 23)", "rgb(246, 246, 244)"
    background = "return getComputedStyle(document.body).backgroundColor"
    pressed = "return document.querySelector('.theme').getAttribute('aria-pressed')"
    picture = "return document.querySelector('picture img').currentSrc.replace(/.*-/, '')"
    browser.open(site / SEARCH / "index.html", is_dark=True)
    assert (browser.run(background), browser.run(pressed), browser.run(picture)) == (dark, "true", "dark.svg")
    browser.prefer(is_dark=False)
    assert (browser.run(background), browser.run(pressed)) == (light, "false")
    browser.click(".theme")
    assert (browser.run(background), browser.run(pressed)) == (dark, "true")
    browser.driver.get((site / RUN / "index.html").as_uri())
    assert (browser.run(background), browser.run(pressed), browser.run(picture)) == (dark, "true", "dark.svg")
    browser.click(".theme")
    assert (browser.run(background), browser.run(pressed)) == (light, "false")
    assert browser.run("return localStorage.length") == 0


def test_without_storage_the_theme_still_changes(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    browser.run("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })")
    browser.click(".theme")
    assert browser.run("return document.documentElement.dataset.theme") == "dark"


def test_every_page_fits_a_phone_and_is_readable_without_seeing_it_or_in_the_dark(browser: Browser, site: Path) -> None:
    for page in every_page(site):
        browser.open(page, width=360)
        assert browser.run("return document.documentElement.scrollWidth") <= 360, page
        browser.resize(1280)
        audit = browser.run(AUDIT)
        assert audit.pop("lang") == "en"
        assert len(audit.pop("title")) > 10
        assert audit == {"landmarks": 3, "nameless": [], "broken": [], "bare": []}, page
        for is_dark in (False, True):
            browser.prefer(is_dark=is_dark)
            found = browser.run(CONTRAST)
            assert len(found) > 10
            assert [text for ratio, text in found if ratio < 4.5] == [], (page, is_dark)


def test_on_a_phone_the_table_scrolls_by_itself_and_the_agents_stay(browser: Browser, site: Path) -> None:
    browser.open(site / SEARCH / "index.html", width=360)
    assert browser.run("const s = document.querySelector('.scroll'); s.scrollLeft = 400; return s.scrollLeft") > 300
    name = "const c = document.querySelector('#board tbody th').getBoundingClientRect(); return [c.left, c.right]"
    left, right = browser.run(name)
    assert 16 <= left < right < 260
    focused = "const b = document.querySelector(arguments[0]); b.focus(); return b.getBoundingClientRect().left"
    assert browser.run(focused, heading(2)) >= right  # not under the column that stays


def test_nothing_that_a_stranger_wrote_runs(browser: Browser, store: Store, tmp_path: Path) -> None:
    board = store.boards[RUN].model_copy(update={"title": HOSTILE, "description": HOSTILE})
    newcomer = hostile(standings(store, store.boards[RUN])[-1])  # an alert would stop the browser
    for page in write_site({RUN: board}, {RUN: (newcomer,)}, tmp_path / "site"):
        browser.open(page)
        assert browser.run("return document.title").strip()
        assert browser.run("return document.scripts.length") == 1


def test_printing_leaves_out_what_paper_cannot_do(browser: Browser, site: Path) -> None:
    browser.open(site / SEARCH / "index.html", is_dark=True)
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.run("return getComputedStyle(document.querySelector('.controls')).display") == "none"
    assert browser.run("return getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"
    assert browser.run("return getComputedStyle(document.body).color") == "rgb(29, 36, 48)"
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


AUDIT = """
const all = (selector) => [...document.querySelectorAll(selector)], shown = (e) => e.outerHTML.slice(0, 120);
const texts = (ids) => (ids ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join("");
const nameOf = (e) => (e.getAttribute("aria-label") ?? "") + (e.labels?.[0]?.textContent ?? "") + e.textContent
  + texts(e.getAttribute("aria-labelledby"));
return {
  lang: document.documentElement.lang,
  title: document.title,
  landmarks: all("main, body > header, body > footer").length,
  nameless: all("a, button, input, select, nav, form, section, [role]:not([role=status])")
    .filter((e) => !nameOf(e).trim()).map(shown),
  broken: all("img").filter((i) => i.complete && !i.naturalWidth).map(shown),
  bare: [...all("img").filter((i) => !i.alt), ...all("table").filter((t) => !t.caption),
    ...all("th").filter((t) => !t.scope), ...all("svg").filter((s) => !s.querySelector("title, desc"))].map(shown),
};
"""
CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgb = (colour) => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (e) => {
  for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; }
  return [255, 255, 255];
};
const found = new Map();
for (const e of document.querySelectorAll("body *")) {
  const own = [...e.childNodes].filter((n) => n.nodeType === 3 && n.textContent.trim());
  const style = getComputedStyle(e);
  if (!own.length || !e.checkVisibility() || ["SCRIPT", "OPTION"].includes(e.tagName)) continue;
  const back = ground(e), opacity = Number(style.opacity);
  const colour = rgb(e.closest("svg") ? style.fill : style.color);
  const front = colour.slice(0, 3).map((c, i) => opacity * c + (1 - opacity) * back[i]);
  const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a);
  const ratio = (high + 0.05) / (low + 0.05), key = `${e.tagName}.${e.getAttribute("class")} ${front} ${back}`;
  found.set(key, [ratio, `${key} ${own[0].textContent.trim().slice(0, 30)}`]);
}
return [...found.values()];
"""
