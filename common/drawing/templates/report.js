"use strict";

// Light and dark: as the system has it, until somebody chooses.
const root = document.documentElement;
const theme = document.getElementById("theme");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; theme.setAttribute("aria-label", `${theme.textContent} theme`); };
theme.hidden = false;
theme.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch (error) { /* no storage: it holds for this page */ }
  nameTheme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
nameTheme();

// Tables: a heading's button sorts, first up, then down; empty cells stay last.
for (const table of document.querySelectorAll("table.data")) {
  const body = table.tBodies[0];
  for (const button of table.querySelectorAll("thead button")) {
    button.addEventListener("click", () => {
      const heading = button.closest("th");
      const column = heading.cellIndex;
      const up = heading.getAttribute("aria-sort") !== "ascending";
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
      const isNumber = heading.classList.contains("number");
      const compare = (a, b) => (isNumber ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true })) * (up ? 1 : -1);
      const rows = [...body.rows].sort((a, b) => (key(a) === "") - (key(b) === "") || compare(key(a), key(b)));
      for (const other of table.querySelectorAll("thead th[aria-sort]")) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      body.append(...rows);
    });
  }
}

// Filters: what is typed and chosen must all be in a row.
for (const form of document.querySelectorAll("form.controls")) {
  const rows = [...document.getElementById(form.dataset.for).tBodies[0].rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const filter = () => {
    const chosen = Object.fromEntries(new FormData(form));
    const words = chosen.text.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const fits = ["verdict", "where", "whose"].every((name) => !chosen[name] || row.dataset[name] === chosen[name]);
      row.hidden = !(fits && words.every((word) => texts.get(row).includes(word)));
      shown += !row.hidden;
    }
    form.querySelector("output").textContent = `${shown} of ${rows.length} shown`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
}

// A figure at its own size; Escape closes it.
const dialog = document.querySelector("dialog");
for (const button of document.querySelectorAll("button.enlarge")) {
  button.addEventListener("click", () => {
    const picture = button.querySelector("img").cloneNode();
    picture.loading = "eager";
    dialog.setAttribute("aria-label", picture.alt);
    dialog.querySelector("div").replaceChildren(picture);
    dialog.showModal();
  });
}
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

// What a link leads to is opened; the paper that is read is marked in the navigation.
const open = () => { const target = document.getElementById(location.hash.slice(1)); if (target?.tagName === "DETAILS") target.open = true; };
addEventListener("hashchange", open);
open();
const entries = new Map([...document.querySelectorAll("nav > ol > li > a")].map((link) => [link.hash.slice(1), link]));
const sections = [...document.querySelectorAll("section.paper")];
const mark = () => {
  const read = sections.findLast((section) => section.getBoundingClientRect().top < innerHeight / 3);
  for (const [id, link] of entries) {
    if (id === (read?.id ?? "main")) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  }
};
addEventListener("scroll", mark, { passive: true });
mark();
