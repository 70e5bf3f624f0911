// What the scripts say, in the page's language: data attributes of the template that base.html carries.
export function word(name, values = {}) {
  const text = document.getElementById("words")?.dataset[name] ?? "";
  return text.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
}
