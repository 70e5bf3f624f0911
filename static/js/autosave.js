// Drafts save themselves. What the server has not taken yet is also kept on this device, and offered again.
import { addRow } from "./rows.js";
import { word } from "./words.js";

const OURS = new Set(["csrf_token", "form_key", "revision"]);
const RETRY = 15000;

// Storage can be full or forbidden; then a draft simply has no copy here.
const store = {
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

const typed = (form) =>
  [...new FormData(form)].filter(([name, value]) => !OURS.has(name) && !(value instanceof File));

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
  for (const field of form.elements) {
    if (!field.name || OURS.has(field.name) || ["file", "submit", "button"].includes(field.type)) continue;
    if (["checkbox", "radio"].includes(field.type)) field.checked = (values.get(field.name) ?? []).includes(field.value);
    else if (field.type === "select-multiple") for (const o of field.options) o.selected = (values.get(field.name) ?? []).includes(o.value);
    else if (values.get(field.name)?.length) field.value = values.get(field.name).shift();
  }
}

class Draft {
  constructor(form) {
    this.form = form;
    this.key = `lab:${form.dataset.autosaveKey ?? form.dataset.autosaveUrl}`;
    this.status = form.querySelector("[data-autosave-status]") ?? document.querySelector("[data-autosave-status]");
    this.edits = this.saved = 0;
    this.busy = this.stuck = this.leaving = false;
    form.addEventListener("input", () => this.edited());
    form.addEventListener("submit", (event) => this.submit(event));
    addEventListener("online", () => this.save());
    addEventListener("beforeunload", (event) => {
      if (this.edits > this.saved && !this.leaving && !(this.stuck && this.kept)) event.preventDefault();
    });
    addEventListener("pageshow", () => (this.leaving = false));
    this.offer();
  }

  get revision() {
    return this.form.querySelector("input[name=revision]");
  }

  tell(text, tone = "", link = null) {
    if (!this.status) return;
    this.status.textContent = text;
    this.status.dataset.tone = tone;
    if (link) this.status.append(" ", Object.assign(document.createElement("a"), link));
  }

  keep(sent = false) {
    return store.set(this.key, { revision: this.revision?.value, sent, entries: typed(this.form) });
  }

  edited() {
    this.edits += 1;
    this.kept = this.keep();
    if (!this.stuck) this.wait(800);
  }

  wait(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), milliseconds);
  }

  async save() {
    if (this.busy || this.stuck || this.leaving || this.edits === this.saved) return;
    this.busy = true;
    const edits = this.edits;
    this.tell(word("saving"));
    const body = new FormData(this.form);
    // The one-time key belongs to the submission: a save that used it up would have that answered as done already.
    body.delete("form_key");
    for (const [name, value] of [...body]) if (value instanceof File) body.delete(name);
    try {
      const answer = await fetch(this.form.dataset.autosaveUrl, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
      await this.heard(answer, edits);
    } catch {
      this.failed(word("offline"));
    }
    this.busy = false;
    this.afterwards?.();
    if (!this.stuck && this.saved === edits && this.edits > edits) this.wait(800);
  }

  failed(text) {
    this.tell(`${text} ${this.kept ? word("kept") : ""}`, "bad");
    this.wait(RETRY);
  }

  stop(text, link) {
    this.stuck = true;
    this.tell(`${text} ${this.kept ? word("kept") : ""}`, "bad", link);
  }

  async heard(answer, edits) {
    const json = (answer.headers.get("Content-Type") ?? "").includes("json");
    if (answer.status === 409) return this.stop(word("conflict"), { href: location.href, textContent: word("reload") });
    if (answer.redirected || answer.status === 401 || (answer.ok && !json)) {
      return this.stop(word("signedOut"), { href: location.href, textContent: word("signIn") });
    }
    if (answer.status >= 500) return this.failed(word("trouble"));
    const data = json ? await answer.json() : {};
    if (!answer.ok) return this.tell(`${data.error ?? word("trouble")} ${data.remedy ?? ""}`, "bad");
    if (this.revision && data.revision !== undefined) this.revision.value = data.revision;
    this.saved = edits;
    if (this.edits === edits) store.drop(this.key);
    else this.keep();
    if (data.target && data.html !== undefined) document.getElementById(data.target).innerHTML = data.html;
    this.tell(data.saved_at_text ?? word("saved"));
  }

  // A save under way would make the submitted revision stale: let it end first.
  submit(event) {
    if (event.defaultPrevented) return;
    clearTimeout(this.timer);
    if (this.busy) {
      event.preventDefault();
      this.afterwards = () => {
        this.afterwards = null;
        this.form.requestSubmit(event.submitter);
      };
      return;
    }
    this.leaving = true;
    this.keep(true);
  }

  offer() {
    const aside = `${this.key}:aside`;
    const copy = store.get(aside) ?? store.get(this.key);
    const since = copy && String(copy.revision) !== String(this.revision?.value);
    const same = copy && JSON.stringify(copy.entries) === JSON.stringify(typed(this.form));
    if (!copy || same || (copy.sent && since)) return [aside, this.key].forEach(store.drop);
    // Put aside, so that typing on before choosing does not overwrite it.
    store.set(aside, copy);
    const box = Object.assign(document.createElement("div"), { className: "alert alert-warning" });
    box.setAttribute("role", "status");
    const button = (name, kind, act) => {
      const made = Object.assign(document.createElement("button"), { type: "button", className: `btn btn-${kind}`, textContent: word(name) });
      made.addEventListener("click", () => {
        box.remove();
        act();
        store.drop(aside);
      });
      return made;
    };
    const restore = () => {
      fill(this.form, copy.entries);
      this.form.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const row = Object.assign(document.createElement("div"), { className: "actions" });
    row.append(button("restore", "primary", restore), button("discard", "secondary", () => this.edits || store.drop(this.key)));
    box.append(word(since ? "foundOlder" : "found"), row);
    this.form.before(box);
  }
}

export function start(forms) {
  for (const form of forms) new Draft(form);
}
