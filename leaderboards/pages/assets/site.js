// The theme, and the sorting and filtering of standings. Without it every page still says all that it has to say.
"use strict";

(() => {
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const memory = {
    get() { try { return localStorage.getItem("theme"); } catch { return null; } },
    set(theme) { try { theme ? localStorage.setItem("theme", theme) : localStorage.removeItem("theme"); } catch { /* lasts for this page */ } },
  };

  // Before anything is painted: the theme that was chosen on an earlier page.
  const remembered = memory.get();
  if (remembered === "light" || remembered === "dark") root.dataset.theme = remembered;

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);

  function showTheme() {
    const button = document.querySelector("button.theme");
    button.setAttribute("aria-pressed", String(isDark()));
    const chosen = { light: "not all", dark: "all" }[root.dataset.theme] ?? "(prefers-color-scheme: dark)";
    for (const source of document.querySelectorAll("picture > source")) source.media = chosen;
  }

  function setUpTheme() {
    const button = document.querySelector("button.theme");
    button.hidden = false;
    button.addEventListener("click", () => {
      const wanted = isDark() ? "light" : "dark";
      const isSystems = (wanted === "dark") === prefersDark.matches;
      if (isSystems) delete root.dataset.theme; else root.dataset.theme = wanted;
      memory.set(isSystems ? null : wanted);
      showTheme();
    });
    prefersDark.addEventListener("change", showTheme);
    showTheme();
  }

  // Rows are sorted within their group: references and what is not replayed yet stay below. To lay out a row anew is
  // what takes time, so the rows that are seen first move at once and the others when those have been painted.
  const FIRST_ROWS = 25;

  function setUpTable(table) {
    const collator = new Intl.Collator("en", { numeric: true });
    const headings = [...table.tHead.rows[0].cells];
    const groups = [...table.tBodies].map((body) => ({ body, rows: [...body.querySelectorAll("tr.entry")] }));
    const all = groups.flatMap((group) => group.rows);
    const status = document.querySelector(".status");
    const find = document.getElementById("find");
    const tier = document.getElementById("tier");
    const noReferences = document.getElementById("no-references");
    const words = new Map(all.map((row) => [
      row, [...row.querySelectorAll("th, .words, .date")].map((cell) => cell.textContent).join(" ").toLowerCase(),
    ]));
    let sorted = "";
    let nSorts = 0;

    const text = (row, column) => {
      const cell = row.cells[column];
      return cell.dataset.value ?? cell.textContent.trim();
    };

    function sort(column, direction) {
      const isNumber = headings[column].dataset.type === "number";
      const sign = direction === "descending" ? -1 : 1;
      const later = [];
      for (const { body, rows } of groups) {
        const keyed = rows.map((row, place) => {
          const value = text(row, column);
          const number = value === "" ? NaN : Number(value);
          return { row, place, value: isNumber ? number : value, isAbsent: isNumber ? Number.isNaN(number) : value === "" };
        });
        keyed.sort((a, b) => {
          if (a.isAbsent || b.isAbsent) return a.isAbsent - b.isAbsent || a.place - b.place;
          const order = isNumber ? a.value - b.value : collator.compare(a.value, b.value);
          return sign * order || a.place - b.place;
        });
        const ordered = keyed.map(({ row }) => row);
        const others = ordered.splice(FIRST_ROWS);
        const above = body.querySelector("tr.group");
        if (above) above.after(...ordered); else body.prepend(...ordered);
        if (others.length) later.push(() => body.append(...others));
      }
      moveLater(later);
      for (const heading of headings) heading.removeAttribute("aria-sort");
      headings[column].setAttribute("aria-sort", direction);
      sorted = `, by ${headings[column].dataset.name}, ${direction}`;
    }

    function moveLater(moves) {
      const number = ++nSorts;
      table.ariaBusy = String(moves.length > 0);
      if (!moves.length) return;
      requestAnimationFrame(() => setTimeout(() => {
        if (number !== nSorts) return; // sorted otherwise in the meantime
        for (const move of moves) move();
        table.ariaBusy = "false";
      }));
    }

    function filter() {
      const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const { body, rows } of groups) {
        const isLeftOut = noReferences?.checked && body.classList.contains("reference");
        let inGroup = 0;
        for (const row of rows) {
          const isShown = !isLeftOut && (!tier.value || row.dataset.tier === tier.value)
            && wanted.every((word) => words.get(row).includes(word));
          row.hidden = !isShown;
          inGroup += isShown;
        }
        body.hidden = inGroup === 0;
        shown += inGroup;
      }
      status.textContent = `Showing ${shown} of ${all.length}${sorted}`;
    }

    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      heading.dataset.name = heading.querySelector("abbr")?.title ?? heading.textContent;
      button.addEventListener("click", () => {
        const first = heading.dataset.first ?? "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        sort(column, heading.getAttribute("aria-sort") === first ? other : first);
        filter();
      });
    });
    find.form.addEventListener("submit", (event) => event.preventDefault());
    for (const control of [find, tier, noReferences]) {
      for (const event of ["input", "change"]) control?.addEventListener(event, filter);
    }
    find.form.hidden = false;
    filter();
  }

  document.addEventListener("DOMContentLoaded", () => {
    setUpTheme();
    const table = document.getElementById("board");
    if (table) setUpTable(table);
  });
})();
