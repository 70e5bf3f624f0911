// Drafts save themselves. What the server has not taken yet is also kept on this device, and offered again.
import { alike, keyOf, offer, store, touched, typed } from "./kept.js";
import { markup } from "./markup.js";
import { word } from "./words.js";

const RETRY = 15000;

class Draft {
  constructor(form) {
    this.form = form;
    this.key = keyOf(form.dataset.autosaveKey ?? form.dataset.autosaveUrl);
    this.status = form.querySelector("[data-autosave-status]") ?? document.querySelector("[data-autosave-status]");
    this.edits = this.saved = 0;
    this.busy = this.stuck = this.leaving = false;
    form.addEventListener("input", () => this.edited());
    form.addEventListener("submit", (event) => this.submit(event));
    addEventListener("online", () => this.save());
    addEventListener("beforeunload", (event) => {
      if (this.edits > this.saved && !this.leaving && !(this.stuck && this.kept)) event.preventDefault();
    });
    for (const name of ["pageshow", "lab:stay"]) addEventListener(name, () => (this.leaving = false));
    this.offer();
    // On a poor line somebody types before this script has come.
    if (touched(form)) this.edited();
  }

  get revision() {
    return this.form.querySelector("input[name=revision]");
  }

  get base() {
    return this.form.querySelector("input[name=base]");
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
    this.unreachable = true;
    this.tell(`${text} ${this.kept ? word("kept") : ""}`, "bad");
    this.wait(RETRY);
  }

  stop(text, link) {
    this.stuck = true;
    this.tell(`${text} ${this.kept ? word("kept") : ""}`, "bad", link);
  }

  // A form that knows what it began from is merged by the server: only what both changed is asked about, when it is sent.
  clash() {
    if (this.base) this.stop(word("clash"));
    else this.stop(word("conflict"), { href: location.href, textContent: word("reload") });
  }

  async heard(answer, edits) {
    const json = (answer.headers.get("Content-Type") ?? "").includes("json");
    if (answer.status === 409) return this.clash();
    if (answer.redirected || answer.status === 401 || (answer.ok && !json)) {
      return this.stop(word("signedOut"), { href: location.href, textContent: word("signIn") });
    }
    if (answer.status >= 500) return this.failed(word("trouble"));
    const data = json ? await answer.json() : {};
    if (!answer.ok) return this.tell(`${data.error ?? word("trouble")} ${data.remedy ?? ""}`, "bad");
    if (this.revision && data.revision !== undefined) this.revision.value = data.revision;
    if (this.base && data.base !== undefined) this.base.value = data.base;
    this.saved = edits;
    if (this.edits === edits) store.drop(this.key);
    else this.keep();
    if (data.target && data.html !== undefined) document.getElementById(data.target).innerHTML = markup(data.html);
    this.tell(data.saved_at_text ?? word("saved"));
  }

  // A save under way would make the submitted revision stale: let it end first. A draft is only sent off from a page
  // whose server can be reached: the browser's own page of a failed connection would take the place of the text.
  submit(event) {
    if (event.defaultPrevented) return;
    clearTimeout(this.timer);
    const again = () => this.form.requestSubmit(event.submitter);
    const probe = event.submitter?.value === "save" && !this.reached && !this.stuck;
    if (this.busy || probe || !navigator.onLine) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    if (!navigator.onLine) {
      this.kept = this.keep();
      return this.failed(word("offline"));
    }
    if (this.busy) {
      this.afterwards = () => {
        this.afterwards = null;
        again();
      };
      return;
    }
    if (probe) return this.probe(again);
    this.reached = false;
    this.leaving = true;
    this.keep(true);
  }

  async probe(again) {
    this.edited();
    clearTimeout(this.timer);
    this.unreachable = false;
    await this.save();
    if (this.unreachable) return;
    this.reached = true;
    again();
  }

  offer() {
    const since = (copy) => String(copy.revision) !== String(this.revision?.value);
    const worth = (copy) => !alike(copy.entries, typed(this.form)) && !(copy.sent && since(copy));
    const last = store.get(this.key);
    if (last && !worth(last)) store.drop(this.key);
    offer(this.form, this.key, worth, (copy) => word(since(copy) ? "foundOlder" : "found"));
  }
}

export function start(forms) {
  for (const form of forms) new Draft(form);
}
