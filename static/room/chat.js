// The chat beside the pictures. It is kept nowhere: whoever comes later does not see what was written before.
import { announce } from "./announce.js";
import { Call } from "./call.js";
import { timeOf } from "./clock.js";
import { LONGEST, send, textOf } from "./messages.js";
import { byId, copyOf, find, write } from "./page.js";
import { Roster } from "./roster.js";

const KEPT = 500;
const ADDRESS = /https?:\/\/[^\s<>"]+[^\s<>"'.,;:!?)\]}]/g;

export class Chat {
  /**
   * @param {Call} call
   * @param {Roster} roster
   * @param {string} zone
   * @param {(from: string) => void} came
   */
  constructor(call, roster, zone, came) {
    this.call = call;
    this.roster = roster;
    this.zone = zone;
    this.list = byId("chat-messages");
    this.field = byId("chat-text", HTMLTextAreaElement);
    this.field.maxLength = LONGEST;
    const form = byId("chat-form", HTMLFormElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    call.addEventListener("data", (event) => {
      const { bytes, from, topic } = /** @type {CustomEvent} */ (event).detail;
      const name = roster.find(from)?.name;
      const text = topic === "chat" ? textOf(bytes) : "";
      if (!name || !text) return;
      this.#add(name, text);
      announce(`${name} wrote: ${text}`);
      came(name);
    });
  }

  async #send() {
    const text = this.field.value.trim();
    if (!text) return;
    try {
      if (!this.call.room) throw new Error("not connected");
      await send(this.call, "chat", { text });
    } catch {
      // It stays in the field, to be sent again.
      return this.#fail("Not sent: you're not connected at the moment.");
    }
    this.#fail("");
    this.field.value = "";
    this.#add("You", text);
  }

  /** @param {string} problem */
  #fail(problem) {
    write(byId("chat-problem"), problem);
    byId("chat-problem").hidden = !problem;
    if (problem) announce(problem);
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #add(name, text) {
    const message = copyOf("message-template");
    write(find(message, ".message-from"), name);
    write(find(message, "time"), timeOf(this.roster.now, this.zone));
    find(message, ".message-text").append(...linked(text));
    byId("chat-empty").hidden = true;
    this.list.append(message);
    while (this.list.children.length > KEPT) this.list.firstElementChild?.remove();
    message.scrollIntoView({ block: "nearest" });
  }
}

/**
 * A text whose addresses are links.
 * @param {string} text
 * @returns {(string | HTMLElement)[]}
 */
export function linked(text) {
  const parts = [];
  let end = 0;
  for (const { 0: address, index } of text.matchAll(ADDRESS)) {
    parts.push(text.slice(end, index), link(address));
    end = index + address.length;
  }
  return [...parts, text.slice(end)];
}

/** @param {string} address */
function link(address) {
  const element = document.createElement("a");
  element.href = address;
  element.textContent = address;
  element.target = "_blank";
  element.rel = "noopener noreferrer nofollow ugc";
  return element;
}
