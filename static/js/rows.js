// Rows added and taken away in the page. Without this script the same buttons ask the server to do it.
import { markup } from "./markup.js";
import { halves, parse, parseAmount } from "./totals.js";
import { word } from "./words.js";

const changed = (list) => list.dispatchEvent(new Event("input", { bubbles: true }));

// Rows refer to each other by names that nobody types and no row ever had before.
const newName = () => [...crypto.getRandomValues(new Uint8Array(8))].map((n) => (n % 36).toString(36)).join("");

export function addRow(button) {
  const template = document.getElementById(button.dataset.addRow);
  const list = document.querySelector(`[data-rows="${button.dataset.addRow}"]`);
  const prefix = template.innerHTML.match(/name="([^"]*?)__i__/)?.[1] ?? "";
  const taken = [...list.querySelectorAll("[name]")].map((field) =>
    field.name.startsWith(prefix) ? parseInt(field.name.slice(prefix.length), 10) : -1,
  );
  const next = Math.max(-1, ...taken.filter((n) => !Number.isNaN(n))) + 1;
  const made = document.createElement("template");
  made.innerHTML = markup(template.innerHTML.replaceAll("__i__", String(next)));
  const row = made.content.firstElementChild;
  const name = row.querySelector('input[type=hidden][name$="-id"]');
  if (name) name.value = newName();
  list.append(made.content);
  changed(list);
  return row;
}

const rowOf = (element) => {
  const list = element.closest("[data-rows]");
  let row = element;
  while (row.parentElement !== list) row = row.parentElement;
  return { list, row };
};

// Rows are sent in the order of their numbers: after one has moved, names and ids follow the order of the page.
export function renumber(list) {
  const section = list.dataset.section;
  if (!section) return;
  const old = new RegExp(`\\b(${section}[-:])\\d{1,3}(?=[-:]|$)`, "g");
  [...list.children].forEach((row, n) => {
    for (const element of [row, ...row.querySelectorAll("*")]) {
      for (const name of ["id", "name", "for", "value", "aria-describedby", "href"]) {
        if (name === "value" && element.tagName !== "BUTTON") continue;
        const text = element.getAttribute(name);
        const fresh = text?.replace(old, `$1${n}`);
        if (fresh !== text && text !== null) element.setAttribute(name, fresh);
      }
      if (element.matches("[data-number]")) element.textContent = n + 1;
    }
  });
}

const fieldsOf = (row) => [...row.querySelectorAll("[name]")].flatMap((field) => {
  const [, name] = /^[a-z]+-\d+-([a-z_]+)$/.exec(field.name) ?? [];
  return name ? [[name, field]] : [];
});

// Puts texts into a row's fields by their names. A date field drops what is no date: it becomes a text field then.
export function fillRow(row, texts) {
  for (const [name, field] of fieldsOf(row)) {
    if (texts[name] === undefined || name === "id") continue;
    if (field.type === "checkbox") field.checked = texts[name] !== "";
    else {
      if (field.type === "date" && texts[name] && !/^\d{4}-\d\d-\d\d$/.test(texts[name])) field.type = "text";
      if (field.tagName === "SELECT" && texts[name] && ![...field.options].some((one) => one.value === texts[name])) continue;
      field.value = texts[name];
    }
  }
}

const textsOf = (row) => Object.fromEntries(
  fieldsOf(row).map(([name, field]) => [name, field.type === "checkbox" ? (field.checked ? field.value : "") : field.value]),
);

function copied(list, row, texts) {
  const made = addRow(document.querySelector(`[data-add-row="${list.dataset.rows}"]`));
  fillRow(made, texts);
  row.after(made);
  return made;
}

function halvesOf(form, texts) {
  const units = Number(form.dataset.minorUnits);
  const quantity = parse(texts.quantity ?? "");
  const cost = parseAmount(texts.unit_cost ?? "", units);
  return quantity && cost ? halves(quantity, cost, units) : null;
}

function actOn(button) {
  const { list, row } = rowOf(button);
  const act = button.dataset.rowAct;
  const status = button.form.querySelector("[data-row-status]");
  let shown = row;
  let said = "rowUp";
  if (act === "up") row.previousElementSibling?.before(row);
  else if (act === "down") row.nextElementSibling?.after(row);
  else if (act === "copy") [shown, said] = [copied(list, row, textsOf(row)), "rowCopied"];
  else {
    const texts = textsOf(row);
    const found = halvesOf(button.form, texts);
    if (!found) {
      // Said where the eye is: the field asks for what is missing.
      const field = fieldsOf(row).find(([name]) => name === "quantity")[1];
      field.setCustomValidity(word("rowUnsplit"));
      field.reportValidity();
      field.addEventListener("input", () => field.setCustomValidity(""), { once: true });
      return;
    }
    [shown, said] = [copied(list, row, { ...texts, quantity: found[1] }), "rowSplit"];
    fillRow(row, { quantity: found[0] });
  }
  for (const menu of row.querySelectorAll("details.row-menu")) menu.open = false;
  renumber(list);
  shown.scrollIntoView({ block: "nearest" });
  shown.querySelector(".row-menu summary")?.focus({ preventScroll: true });
  if (status) status.textContent = word(said, { number: [...list.children].indexOf(shown) + 1 });
  changed(list);
}

function onClick(event) {
  const add = event.target.closest("button[data-add-row]");
  const remove = event.target.closest("button[data-remove-row]");
  const act = event.target.closest("button[data-row-act]");
  if (!add && !remove && !act) return;
  event.preventDefault();
  if (act) return actOn(act);
  if (add) {
    const row = addRow(add);
    renumber(row.parentElement);
    row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    return;
  }
  const { list, row } = rowOf(remove);
  const near = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  renumber(list);
  const menu = near?.querySelector(".row-menu summary") ?? near?.querySelector("[data-remove-row]");
  (menu ?? document.querySelector(`[data-add-row="${list.dataset.rows}"]`))?.focus();
  changed(list);
}

export function start() {
  // Adding the same listener again has no effect.
  document.addEventListener("click", onClick);
}
