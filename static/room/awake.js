// Keeps a phone's screen on while somebody is in the room; browsers let go of that with each change of tab.

let wanted = false;

/** @param {boolean} inside */
export async function stayAwake(inside) {
  wanted = inside;
  if (inside) await ask();
  else await lock?.release().catch(() => {});
}

/** @type {WakeLockSentinel | undefined} */
let lock;

async function ask() {
  if (!wanted || document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
  // Refused where the battery is low; the lesson goes on.
  lock = await navigator.wakeLock.request("screen").catch(() => undefined);
}

document.addEventListener("visibilitychange", ask);
