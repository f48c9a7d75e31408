// What a screen reader is told as it happens: who came, who wrote, what changed.
import { byId } from "./page.js";

const KEPT = 8;

/** @param {string} words */
export function announce(words) {
  const place = byId("announcements");
  const line = document.createElement("p");
  line.textContent = words;
  place.append(line);
  while (place.children.length > KEPT) place.firstElementChild?.remove();
}
