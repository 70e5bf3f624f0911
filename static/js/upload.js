// Shows how far an upload has come. The server's answer is the page that it would be without this script.
import { markup } from "./markup.js";
import { word } from "./words.js";

function show(request) {
  let answer = null;
  if ((request.getResponseHeader("Content-Type") ?? "").includes("json")) answer = JSON.parse(request.responseText);
  if (answer?.location) return void location.assign(answer.location);
  if (answer) return [answer.error, answer.remedy].filter(Boolean).join(" ");
  const page = new DOMParser().parseFromString(markup(request.responseText), "text/html");
  // A page that refuses must not take the place of what was typed: its words are enough.
  if (request.status >= 400 && !page.querySelector("form[data-upload]")) {
    return [...page.querySelectorAll("main p:not(.eyebrow)")].map((part) => part.textContent).join(" ");
  }
  document.title = page.title;
  document.body.replaceWith(page.body);
  history.replaceState(null, "", request.responseURL);
  scrollTo(0, 0);
  document.querySelector("main")?.focus();
  document.dispatchEvent(new Event("lab:page"));
  return "";
}

function send(form, submitter, bar, status) {
  const request = new XMLHttpRequest();
  const stop = (text) => {
    bar.hidden = true;
    status.textContent = text;
    submitter?.removeAttribute("disabled");
  };
  let told = -1;
  request.upload.onprogress = ({ loaded, total }) => {
    const percent = Math.floor((100 * loaded) / total);
    bar.value = percent;
    // A screen reader hears every tenth, not every step.
    if (percent < 100 && percent - told < 10) return;
    told = percent;
    status.textContent = percent < 100 ? word("uploading", { percent }) : word("checking");
  };
  // The page stays: what is typed in it is saved on.
  const stay = (text) => {
    stop(text);
    dispatchEvent(new Event("lab:stay"));
  };
  request.onerror = () => stay(word("uploadFailed"));
  request.onload = () => {
    const refusal = show(request);
    refusal ? stay(refusal) : stop("");
  };
  request.open("POST", form.action);
  request.send(new FormData(form, submitter));
  submitter?.setAttribute("disabled", "");
  bar.hidden = false;
}

export function start(forms) {
  for (const form of forms) {
    const bar = Object.assign(document.createElement("progress"), { max: 100, value: 0, hidden: true });
    bar.setAttribute("aria-label", word("progress"));
    const status = Object.assign(document.createElement("p"), { className: "save-state" });
    status.setAttribute("role", "status");
    form.append(bar, status);
    form.addEventListener("submit", (event) => {
      const files = [...form.querySelectorAll("input[type=file]")];
      if (!files.some((field) => field.files.length)) return;
      event.preventDefault();
      const big = files.find((field) => [...field.files].some((file) => file.size > Number(field.dataset.maxBytes || Infinity)));
      if (big) {
        status.textContent = word("tooLarge", { limit: Math.floor(Number(big.dataset.maxBytes) / 2 ** 20) });
        return;
      }
      send(form, event.submitter, bar, status);
    });
  }
}
