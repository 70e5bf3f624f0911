// The pages work without scripts. Each part is fetched only by pages that have something for it to do.
const parts = {
  "form[data-autosave-url]": "./autosave.js",
  "body[data-person]": "./keep.js",
  "[data-add-row], [data-remove-row]": "./rows.js",
  "select[data-refers]": "./references.js",
  "form[data-total]": "./totals.js",
  "form[data-paste-url]": "./paste.js",
  "form[data-upload]": "./upload.js",
  "select[data-guess-zone]": "./zone.js",
  "form[data-passkey]": "./passkey.js",
  "[data-countdown]": "./countdown.js",
  "button[data-print]": "./print.js",
};

async function enhance(event) {
  // A page that takes the place of another comes with an event; the first came when the browser went to it.
  const arrived = event?.timeStamp ?? 0;
  document.querySelector(".error-summary")?.focus();
  document.querySelector(".subnav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  const wanted = Object.entries(parts)
    .map(([selector, file]) => [document.querySelectorAll(selector), file])
    .filter(([found]) => found.length)
    .map(([found, file]) => [found, import(file)]);
  // Fetched side by side, begun in their order; one that does not come on a poor line keeps none of the others back.
  for (const [found, part] of wanted) {
    try {
      (await part).start(found, arrived);
    } catch (error) {
      reportError(error);
    }
  }
}

// An open menu closes on Escape and on a click elsewhere.
for (const kind of ["click", "keydown"]) {
  document.addEventListener(kind, (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (kind === "click" ? menu.contains(event.target) : event.key !== "Escape") continue;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  });
}

document.addEventListener("lab:page", enhance);
enhance();
