// Forms that are sent once, not saved as drafts: what is typed stays on this device until the server has taken it.
import { alike, keyOf, offer, person, store, touched, typed } from "./kept.js";
import { word } from "./words.js";

// The form that this tab sent last, until a page of the same sign-in tells what became of it.
const SENT = "lab:sent";
const sent = {
  get: () => { try { return sessionStorage.getItem(SENT); } catch { return null; } },
  set: (key) => { try { sessionStorage.setItem(SENT, key); } catch { /* the copy is offered once too often */ } },
  drop: () => { try { sessionStorage.removeItem(SENT); } catch { /* nothing is noted then */ } },
};

// The key of a form that was sent and not taken; what was taken needs no copy.
function settle() {
  const key = sent.get();
  sent.drop();
  const taken = [...document.querySelectorAll("main > .alert")].some(
    (box) => box.matches(".alert-success") || box.textContent.trim() === word("done"),
  );
  if (!key || !taken) return key;
  store.drop(key);
  return null;
}

function keep(form, untaken) {
  const key = keyOf(`kept:${new URL(form.getAttribute("action") || location.href, location.href).pathname}`);
  const refused = key === untaken && document.querySelector("main .error-summary");
  const empty = refused ? [] : typed(form);
  const worth = (copy) => !alike(copy.entries, typed(form));
  // A page that refuses shows what was typed already.
  if (!refused) offer(form, key, worth, () => word("unsent"));
  const note = () =>
    !touched(form) && alike(typed(form), empty) ? store.drop(key) : store.set(key, { entries: typed(form) });
  // On a poor line somebody types before this script has come.
  if (!refused && touched(form)) note();
  form.addEventListener("input", note);
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const kept = note();
    if (navigator.onLine) return sent.set(key);
    event.preventDefault();
    event.stopImmediatePropagation();
    tell(form, `${word("notSent")} ${kept ? word("kept") : ""}`);
  });
}

function tell(form, text) {
  let status = form.querySelector(".save-state[data-tone]");
  if (!status) {
    status = Object.assign(document.createElement("p"), { className: "save-state" });
    status.setAttribute("role", "status");
    form.append(status);
    addEventListener("online", () => status.remove(), { once: true });
  }
  status.dataset.tone = "bad";
  status.textContent = text;
}

export function start() {
  if (!person()) return;
  const untaken = settle();
  for (const form of document.querySelectorAll("main form[method=post]:not([data-autosave-url])")) {
    if (form.matches("[data-keep]") || form.querySelector("textarea")) keep(form, untaken);
  }
}
