// Single keys that press buttons. They can be turned off, for those whose speech or software types letters.
import { keep, recall } from "./kept.js";
import { byId } from "./page.js";

const KEPT = "room-shortcuts";
const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";

export function listenForShortcuts() {
  const wanted = byId("use-shortcuts", HTMLInputElement);
  wanted.checked = recall(KEPT) !== "off";
  wanted.addEventListener("change", () => keep(KEPT, wanted.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (!wanted.checked || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target instanceof Element && target.closest(`${TYPING}, dialog`)) return;
    const button = [...document.querySelectorAll("#inside [data-key]")].find(
      (one) => one instanceof HTMLElement && one.dataset.key === key.toLowerCase(),
    );
    if (!(button instanceof HTMLButtonElement) || button.hidden || !button.offsetParent) return;
    event.preventDefault();
    button.click();
  });
}
