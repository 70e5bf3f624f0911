// Rows added and taken away in the page. Without this script the same buttons ask the server to do it.
const changed = (list) => list.dispatchEvent(new Event("input", { bubbles: true }));

export function addRow(button) {
  const template = document.getElementById(button.dataset.addRow);
  const list = document.querySelector(`[data-rows="${button.dataset.addRow}"]`);
  const prefix = template.innerHTML.match(/name="([^"]*?)__i__/)?.[1] ?? "";
  const taken = [...list.querySelectorAll("[name]")].map((field) =>
    field.name.startsWith(prefix) ? parseInt(field.name.slice(prefix.length), 10) : -1,
  );
  const next = Math.max(-1, ...taken.filter((n) => !Number.isNaN(n))) + 1;
  const made = document.createElement("template");
  made.innerHTML = template.innerHTML.replaceAll("__i__", String(next));
  const row = made.content.firstElementChild;
  list.append(made.content);
  changed(list);
  return row;
}

function onClick(event) {
  const add = event.target.closest("button[data-add-row]");
  const remove = event.target.closest("button[data-remove-row]");
  if (!add && !remove) return;
  event.preventDefault();
  if (add) {
    addRow(add).querySelector("input:not([type=hidden]), select, textarea")?.focus();
    return;
  }
  const list = remove.closest("[data-rows]");
  let row = remove;
  while (row.parentElement !== list) row = row.parentElement;
  const near = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (near?.querySelector("[data-remove-row]") ?? document.querySelector(`[data-add-row="${list.dataset.rows}"]`))?.focus();
  changed(list);
}

export function start() {
  // Adding the same listener again has no effect.
  document.addEventListener("click", onClick);
}
