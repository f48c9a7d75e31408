// Spans of time, as people read them.

/**
 * "4:05", or "1:12:00" from an hour on; never below zero.
 * @param {number} milliseconds
 */
export function countdown(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  const hours = Math.floor(seconds / 3600);
  const [first, ...rest] = hours ? [hours, ...parts] : parts;
  return [String(first), ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}

/**
 * "in 3 days", "in 5 hours", "in 4:05".
 * @param {number} milliseconds
 */
export function away(milliseconds) {
  const hours = milliseconds / 3_600_000;
  if (hours >= 48) return `in ${Math.floor(hours / 24)} days`;
  if (hours >= 3) return `in ${Math.floor(hours)} hours`;
  return `in ${countdown(milliseconds)}`;
}

/**
 * "18:05", in the zone that the reader has chosen on this site.
 * @param {string | number} moment in ISO 8601, or in milliseconds
 * @param {string} timeZone
 */
export function timeOf(moment, timeZone) {
  return new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone }).format(new Date(moment));
}

/** @param {number} milliseconds */
export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
