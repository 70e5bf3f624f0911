// A button that prints the page; without scripts it is not there, and the browser's own menu does the same.
export function start(buttons) {
  for (const button of buttons) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
}
