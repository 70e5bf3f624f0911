// Choices that name rows of another list follow that list while it is typed. Without this script they follow when saving.
function rowsOf(list) {
  return [...list.children].flatMap((row) => {
    const id = row.querySelector('input[type=hidden][name$="-id"]')?.value;
    const title = row.querySelector('[name$="-title"]')?.value.trim();
    const number = row.querySelector("[data-number]")?.textContent;
    return id && title ? [{ id, title, nth: `${list.dataset.what} ${number}` }] : [];
  });
}

// Rows of one title are told apart by their numbers.
function namesOf(rows) {
  const times = new Map();
  for (const { title } of rows) times.set(title, (times.get(title) ?? 0) + 1);
  return new Map(rows.map(({ id, title, nth }) => [id, times.get(title) > 1 ? `${title} (${nth})` : title]));
}

function follow(form) {
  const known = new Map();
  for (const select of form.querySelectorAll("select[data-refers]")) {
    const name = select.dataset.refers;
    // Rows that are not of this page cannot change in it.
    const list = form.querySelector(`[data-rows="${name}"]`);
    if (!list) continue;
    if (!known.has(name)) known.set(name, rowsOf(list));
    const rows = known.get(name);
    const titles = namesOf(rows);
    for (const option of [...select.options].slice(1)) {
      const title = titles.get(option.value);
      titles.delete(option.value);
      // What is chosen stays chosen, also when its row is gone: only the reader may choose another.
      if (title === undefined && !option.selected) option.remove();
      else if (title !== undefined && option.textContent !== title) option.textContent = title;
    }
    for (const [id, title] of titles) select.add(new Option(title, id));
  }
}

export function start(selects) {
  for (const form of new Set([...selects].map((select) => select.form))) {
    form.addEventListener("input", () => follow(form));
    // On a poor line somebody has named a row before this script came.
    follow(form);
  }
}
