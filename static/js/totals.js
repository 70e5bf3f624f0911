// The sum of a budget while it is typed. Whole minor units as BigInt, rounded half up line by line, as the server does.
import { word } from "./words.js";

const NUMBER = /^(\d{1,13}|\d{1,3}(?:[ ’'\u00a0\u202f]\d{3}){1,3})(?:[.,](\d{1,6}))?$/;

// "1 250,50" becomes { digits: 125050n, places: 2 }; null for what is no number.
export function parse(text) {
  const [, whole, decimals = ""] = NUMBER.exec(text.trim()) ?? [];
  return whole ? { digits: BigInt(whole.replace(/\D/g, "") + decimals), places: decimals.length } : null;
}

// The same as an amount of a currency. Null also for what the server refuses: parts smaller than the currency has, and
// three digits after a sign that may have been meant for thousands.
export function parseAmount(text, units) {
  const number = parse(text);
  if (!number || (number.places === 3 && units < 3)) return null;
  const finer = number.places - units;
  return finer > 0 && number.digits % 10n ** BigInt(finer) !== 0n ? null : number;
}

export function toUnits({ digits, places }, units) {
  if (places <= units) return digits * 10n ** BigInt(units - places);
  const step = 10n ** BigInt(places - units);
  return (digits * 2n + step) / (step * 2n);
}

export function times(a, b) {
  return { digits: a.digits * b.digits, places: a.places + b.places };
}

export function show(amount, units) {
  const text = String(amount < 0n ? -amount : amount).padStart(units + 1, "0");
  const language = document.documentElement.lang || "en";
  const whole = new Intl.NumberFormat(language).format(BigInt(text.slice(0, text.length - units)));
  const point = new Intl.NumberFormat(language).formatToParts(1.5).find((part) => part.type === "decimal").value;
  return units ? whole + point + text.slice(-units) : whole;
}

// Two quantities that make a line two and come to the same together, as the server splits it; null for what is too little.
export function halves(quantity, cost, units) {
  const amount = toUnits(times(quantity, cost), units);
  for (let places = quantity.places; places < 7; places++) {
    const whole = quantity.digits * 10n ** BigInt(places - quantity.places);
    for (let n = 0n; n < 50n; n++) {
      const one = { digits: (whole + 1n) / 2n + n, places };
      const other = { digits: whole - one.digits, places };
      if (other.digits <= 0n) break;
      if (toUnits(times(one, cost), units) + toUnits(times(other, cost), units) === amount) return [plain(one), plain(other)];
    }
  }
  return null;
}

const plain = ({ digits, places }) => {
  const text = String(digits).padStart(places + 1, "0");
  return places ? `${text.slice(0, -places)}.${text.slice(-places)}` : text;
};

const rowValue = (row, name) => row.querySelector(`[name$="-${name}"]`)?.value ?? "";

function column(form, list, name) {
  const rows = [...(form.querySelector(`[data-rows="${list}"]`)?.children ?? [])];
  return new Map(rows.map((row) => [rowValue(row, "id"), rowValue(row, name)]));
}

// The sums by category and by stage; the stage of a line is that of the milestone of its activity.
function sumUp(form, lines, units) {
  const places = [...form.querySelectorAll("[data-sum]")];
  if (!places.length) return;
  const stages = column(form, "new-milestone", "stage");
  const leadsTo = column(form, "new-activity", "milestone");
  const sums = new Map(places.map((place) => [place.dataset.sum, [0n, 0n]]));
  for (const { line, amount, ours } of lines) {
    const stage = stages.get(leadsTo.get(rowValue(line, "activity"))) ?? "";
    for (const [kind, key] of [["category", rowValue(line, "category")], ["stage", stage]]) {
      // A page without the plan's milestones has no sums by stage.
      const sum = sums.get(`${kind}:${key}`) ?? sums.get(`${kind}:`);
      if (sum) sum[ours ? 1 : 0] += amount;
    }
  }
  for (const place of places) {
    const [granted, own] = sums.get(place.dataset.sum);
    place.querySelector("[data-sum-granted]").textContent = show(granted, units);
    place.querySelector("[data-sum-own]").textContent = show(own, units);
  }
}

function update(form) {
  const units = Number(form.dataset.minorUnits);
  let total = 0n;
  let apart = 0n;
  const lines = [];
  for (const line of form.querySelectorAll("[data-budget-line]")) {
    // A payment has its amount as it is, a line of a budget its quantity and cost.
    const whole = line.querySelector("[data-amount]");
    const given = whole && parseAmount(whole.value, units);
    const value = (name) => line.querySelector(`[name$="${name}"]`)?.value ?? "";
    const quantity = parse(value("quantity"));
    const cost = parseAmount(value("unit_cost"), units);
    const amount = given ? toUnits(given, units) : quantity && cost ? toUnits(times(quantity, cost), units) : null;
    const own = line.querySelector('[name$="own"]');
    const ours = own && (own.type === "checkbox" ? own.checked : own.value !== "");
    if (amount !== null) lines.push({ line, amount, ours });
    if (amount !== null && ours) apart += amount;
    else if (amount !== null) total += amount;
    const output = line.querySelector("[data-line-total]");
    if (output) output.textContent = amount === null ? "–" : show(amount, units);
  }
  const money = (amount) => `${form.dataset.currency ?? ""} ${show(amount, units)}`.trim();
  sumUp(form, lines, units);
  const missing = toUnits(parse(form.dataset.award), units) - total;
  for (const output of form.querySelectorAll("[data-total-output]")) output.textContent = money(total);
  for (const output of form.querySelectorAll("[data-own-output]")) output.textContent = money(apart);
  for (const output of form.querySelectorAll("[data-difference-output]")) {
    output.textContent = word(missing === 0n ? "even" : missing > 0n ? "under" : "over", { amount: money(missing) });
  }
  for (const tally of form.querySelectorAll(".tally")) tally.dataset.tone = missing === 0n ? "good" : missing < 0n ? "bad" : "";
}

export function start(forms) {
  for (const form of forms) {
    form.addEventListener("input", () => update(form));
    update(form);
  }
}
