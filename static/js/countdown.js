// The hours that are left go by while a page is open. They are counted from what the server said, not by this device's clock.
const part = (value, unit) =>
  new Intl.NumberFormat(document.documentElement.lang || "en", { style: "unit", unit, unitDisplay: "long" }).format(value);

export function leftText(seconds, words) {
  if (seconds <= 0) return words.over;
  const hours = Math.floor(seconds / 3600);
  if (!hours) return words.short;
  const days = Math.floor(hours / 24);
  const parts = [days && part(days, "day"), hours % 24 && part(hours % 24, "hour")].filter(Boolean);
  return words.left.replace("{time}", parts.join(" "));
}

// `arrived`: when the page came, on the clock of performance.now(). This script may come later, and hours may pass before it does.
export function start(clocks, arrived) {
  for (const clock of clocks) {
    if (clock.dataset.started) continue;
    clock.dataset.started = "yes";
    const tick = () => {
      const left = Number(clock.dataset.countdown) - (performance.now() - arrived) / 1000;
      const text = leftText(left, clock.dataset);
      if (clock.textContent !== text) clock.textContent = text;
    };
    tick();
    setInterval(tick, 20_000);
  }
}
