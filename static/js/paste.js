// Cells copied from a spreadsheet fill rows of the page, from the cell on that they are pasted into. The server reads them.
import { addRow, fillRow, renumber } from "./rows.js";
import { word } from "./words.js";

const lines = (text) => text.replace(/[\r\n]+$/, "").split(/\r\n|\r|\n/);

function isBlock(target, text) {
  if (text.includes("\t")) return true;
  return target.tagName !== "TEXTAREA" && lines(text).length > 1;
}

function leave(form, section, text, troubles) {
  const box = form.querySelector(`[data-paste-box="${section}"]`);
  const area = box.querySelector("textarea");
  const told = box.querySelector("[data-paste-problems]");
  box.open = true;
  area.value = text;
  const list = document.createElement("ul");
  for (const trouble of troubles) list.append(Object.assign(document.createElement("li"), { textContent: trouble }));
  told.className = "field-error";
  told.replaceChildren(list);
  area.setAttribute("aria-describedby", `paste-${section}-hint paste-${section}-error`);
  area.setAttribute("aria-invalid", "true");
  area.focus();
}

async function read(form, section, start, cells) {
  const body = new FormData(form);
  body.delete("form_key");
  body.set("section", section);
  body.set("start", start);
  body.set("cells", cells);
  const answer = await fetch(form.dataset.pasteUrl, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
  if (!answer.ok || !(answer.headers.get("Content-Type") ?? "").includes("json") || answer.redirected) throw new Error();
  return answer.json();
}

function fill(list, row, rows) {
  const button = document.querySelector(`[data-add-row="${list.dataset.rows}"]`);
  let place = row;
  rows.forEach((texts, n) => {
    if (n) place = place.nextElementSibling ?? addRow(button);
    fillRow(place, texts);
  });
  renumber(list);
  return place;
}

async function onPaste(event) {
  const form = event.target.closest("form[data-paste-url]");
  const list = event.target.closest("[data-rows][data-section]");
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!form || !list || !isBlock(event.target, text)) return;
  const [, start] = /^[a-z]+-\d+-([a-z_]+)$/.exec(event.target.name ?? "") ?? [];
  if (!start) return;
  event.preventDefault();
  const section = list.dataset.section;
  let row = event.target;
  while (row.parentElement !== list) row = row.parentElement;
  const status = form.querySelector("[data-row-status]");
  try {
    const found = await read(form, section, start, text);
    if (found.rows.length) fill(list, row, found.rows);
    status.textContent = word("pasted", { number: found.rows.length });
    if (found.troubles.length) leave(form, section, found.left, found.troubles);
  } catch {
    leave(form, section, text, [word("notPasted")]);
  }
  list.dispatchEvent(new Event("input", { bubbles: true }));
}

export function start() {
  document.addEventListener("paste", onPaste);
}
