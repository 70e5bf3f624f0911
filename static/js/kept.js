// What was typed and is kept on this device: stored for one person, compared, put back, and offered again.
import { addRow } from "./rows.js";
import { word } from "./words.js";

const OURS = new Set(["csrf_token", "form_key", "revision", "version"]);

// Storage can be full or forbidden; then there simply is no copy here.
export const store = {
  get(key) {
    try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(key, JSON.stringify(value)); return true; } catch { return false; }
  },
  drop(key) {
    try { localStorage.removeItem(key); } catch { /* nothing is stored then */ }
  },
};

// A device may be shared: each person has copies of their own.
export const person = () => document.body.dataset.person ?? "";
export const keyOf = (name) => `lab:${person()}:${name}`;

// Hidden fields of a draft belong to its rows; those of other forms belong to the moment when the page was made.
function typedBy(form, field) {
  if (OURS.has(field.name) || ["password", "file", "submit", "button"].includes(field.type)) return false;
  return field.type !== "hidden" || form.dataset.autosaveUrl !== undefined;
}

export function typed(form) {
  const names = new Set([...form.elements].filter((field) => typedBy(form, field)).map((field) => field.name));
  return [...new FormData(form)].filter(([name, value]) => names.has(name) && !(value instanceof File));
}

// Whether it says something else than the page brought, also when that was typed before any script had come.
const plain = (text) => text.replace(/\r\n?/g, "\n");
export const touched = (form) => [...form.elements].some((field) =>
  ["checkbox", "radio"].includes(field.type)
    ? field.checked !== field.defaultChecked
    : typedBy(form, field) && field.type !== "hidden" && field.defaultValue !== undefined && plain(field.value) !== plain(field.defaultValue));

// The server trims, and ends lines in its own way: that makes no other text.
export const alike = (some, others) => {
  // Nobody typed the names of rows, of which an empty one has another each time, nor what the text was begun from.
  const told = (entries) => entries.filter(([name]) => !["base", "stood"].includes(name) && !/-\d+-id$/.test(name));
  const said = (entries) => JSON.stringify(told(entries).map(([name, value]) => [name, plain(value).trim()]));
  return said(some) === said(others);
};

// A row that is put back may be one that the page's choices do not know yet.
function put(field, value) {
  if (field.type === "select-one" && ![...field.options].some((o) => o.value === value)) field.add(new Option(value, value));
  field.value = value;
}

function fill(form, entries) {
  const values = new Map();
  for (const [name, value] of entries) values.set(name, [...(values.get(name) ?? []), value]);
  for (const name of values.keys()) {
    const [, list] = /^(.+?-)\d+-/.exec(name) ?? [];
    const button = list && [...form.querySelectorAll("[data-add-row]")].find((b) =>
      document.getElementById(b.dataset.addRow).innerHTML.includes(`name="${list}__i__-`),
    );
    for (let tries = 0; button && !form.elements[name] && tries < 200; tries++) addRow(button);
  }
  // A text that is put back brings along what it was begun from: rows that others added since are not its own to send.
  if (values.has("base")) {
    for (const row of form.querySelectorAll("[data-section] > *")) {
      if (![...row.querySelectorAll("[name]")].some((field) => values.has(field.name))) row.remove();
    }
  }
  for (const field of form.elements) {
    if (!field.name || !typedBy(form, field)) continue;
    if (["checkbox", "radio"].includes(field.type)) field.checked = (values.get(field.name) ?? []).includes(field.value);
    else if (field.type === "select-multiple") for (const o of field.options) o.selected = (values.get(field.name) ?? []).includes(o.value);
    else if (values.get(field.name)?.length) put(field, values.get(field.name).shift());
  }
}

// Offers each copy that is worth it, one after the other. What is put back changes places with what was typed meanwhile.
export function offer(form, key, worth, text) {
  const aside = `${key}:aside`;
  let copies = [store.get(aside) ?? []].flat().filter(worth);
  const found = store.get(key);
  // Put aside, so that typing on before choosing does not overwrite it.
  if (found && worth(found)) copies.unshift(found);
  copies = copies.filter((copy, n) => copies.findIndex((other) => alike(other.entries, copy.entries)) === n);
  const remember = () => (copies.length ? store.set(aside, copies) : (store.drop(aside), true));
  if (remember() && copies.includes(found)) store.drop(key);
  // On a poor line somebody types before this script has come.
  let early = touched(form);

  const show = () => {
    const [copy, ...rest] = copies;
    if (!copy) return;
    const shown = typed(form);
    const box = Object.assign(document.createElement("div"), { className: "alert alert-warning" });
    box.setAttribute("role", "status");
    const button = (name, kind, act) => {
      const made = Object.assign(document.createElement("button"), { type: "button", className: `btn btn-${kind}`, textContent: word(name) });
      made.addEventListener("click", () => {
        box.remove();
        copies = rest;
        act();
        remember();
        show();
      });
      return made;
    };
    const restore = () => {
      const before = typed(form);
      if (copy.swapped || early || !alike(before, shown)) copies = [{ ...copy, sent: false, swapped: true, entries: before }, ...rest];
      early = false;
      fill(form, copy.entries);
      form.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const row = Object.assign(document.createElement("div"), { className: "actions" });
    row.append(button("restore", "primary", restore), button("discard", "secondary", () => {}));
    box.append(copy.swapped ? word("swapped") : text(copy), row);
    // Where it was typed may lie in a part that is folded away.
    for (let part = form.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    form.before(box);
  };
  show();
}
