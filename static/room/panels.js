// The panel beside the pictures: people, or chat, or none; and the dialogs.
import { byId, write } from "./page.js";

const PANELS = ["people", "chat"];

export class Panels {
  constructor() {
    this.unread = 0;
    for (const name of PANELS) {
      byId(`show-${name}`).addEventListener("click", () => this.toggle(name));
      byId(`close-${name}`).addEventListener("click", () => this.toggle(name));
      byId(`${name}-panel`).addEventListener("keydown", ({ key }) => key === "Escape" && this.toggle(name));
    }
  }

  /** @param {string} name */
  isOpen(name) {
    return !byId(`${name}-panel`).hidden;
  }

  /** @param {string} name */
  toggle(name) {
    const open = !this.isOpen(name);
    for (const one of PANELS) {
      byId(`${one}-panel`).hidden = !(open && one === name);
      byId(`show-${one}`).setAttribute("aria-expanded", String(open && one === name));
    }
    if (!open) byId(`show-${name}`).focus();
    else if (name === "chat") byId("chat-text").focus();
    else byId("people-title").focus();
    if (open && name === "chat") this.#count(0);
  }

  /** Another message came. */
  noteMessage() {
    if (!this.isOpen("chat")) this.#count(this.unread + 1);
  }

  /** @param {number} unread */
  #count(unread) {
    this.unread = unread;
    const badge = byId("unread");
    badge.hidden = !unread;
    write(badge, unread ? String(unread) : "");
  }
}

/**
 * A dialog that a button opens; Escape and its own buttons close it.
 * @param {string} id
 */
export function dialog(id) {
  const element = byId(id, HTMLDialogElement);
  for (const button of element.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => element.close());
  }
  return element;
}
