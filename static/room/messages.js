// Chat and raised hands, sent from one browser to the others; who sent them is LiveKit's word, the rest is not trusted.
import { Call } from "./call.js";

export const LONGEST = 1000;

/**
 * @param {Call} call
 * @param {"chat" | "hand"} topic
 * @param {{text: string} | {up: boolean}} message
 * @param {string[]} [to] identities; everybody if left out
 */
export async function send(call, topic, message, to) {
  const bytes = new TextEncoder().encode(JSON.stringify(message));
  const options = { reliable: true, topic, ...(to && { destinationIdentities: to }) };
  await call.room?.localParticipant.publishData(bytes, options);
}

/**
 * The text of a chat message; nothing where it is none.
 * @param {Uint8Array} bytes
 */
export function textOf(bytes) {
  const { text } = read(bytes);
  return typeof text === "string" ? text.trim().slice(0, LONGEST) : "";
}

/** @param {Uint8Array} bytes */
export function isUp(bytes) {
  return read(bytes).up === true;
}

/**
 * @param {Uint8Array} bytes
 * @returns {{text?: unknown, up?: unknown}}
 */
function read(bytes) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}
