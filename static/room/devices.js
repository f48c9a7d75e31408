// Which camera, microphone and speaker somebody has, and which they chose; the choice is kept in this browser.

import { keep, recall } from "./kept.js";

const KEPT = "room-devices";

/** @typedef {{camera: boolean, microphone: boolean} & Partial<Record<MediaDeviceKind, string>>} Choice */

/** @returns {Choice} */
export function choice() {
  return { camera: true, microphone: true, ...JSON.parse(recall(KEPT) || "{}") };
}

/** @param {Partial<Choice>} change */
export function choose(change) {
  keep(KEPT, JSON.stringify({ ...choice(), ...change }));
}

/**
 * Fill each select in here with the devices of its kind, and tell of each choice.
 * @param {HTMLElement} root
 * @param {(kind: MediaDeviceKind, id: string) => void} chosen
 */
export function offerDevices(root, chosen) {
  const selects = [...root.querySelectorAll("select")];
  for (const select of selects) {
    const kind = /** @type {MediaDeviceKind} */ (select.dataset.device);
    select.addEventListener("change", () => {
      choose({ [kind]: select.value });
      chosen(kind, select.value);
    });
  }
  const fill = () => fillAll(selects);
  navigator.mediaDevices?.addEventListener("devicechange", fill);
  return fill;
}

/** @param {HTMLSelectElement[]} selects */
async function fillAll(selects) {
  const devices = await allDevices();
  for (const select of selects) {
    const kind = /** @type {MediaDeviceKind} */ (select.dataset.device);
    // Before somebody allowed them, devices have neither name nor id.
    const found = devices.filter((device) => device.kind === kind && device.deviceId);
    const options = found.map((device, n) => new Option(device.label || `${n + 1}`, device.deviceId));
    select.replaceChildren(...(options.length ? options : [new Option("Chosen by your browser", "")]));
    select.disabled = options.length < 2;
    const wanted = choice()[kind];
    if (wanted && found.some((device) => device.deviceId === wanted)) select.value = wanted;
  }
}

/**
 * What a browser is asked for: the chosen device, or any other where that is gone. "Ideal" is not enough: Chromium then
 * takes its own.
 * @param {MediaDeviceKind} kind
 * @returns {Promise<{deviceId?: ConstrainDOMString}>}
 */
export async function wish(kind) {
  const id = choice()[kind];
  if (!id) return {};
  const ids = (await allDevices()).filter((device) => device.kind === kind).map(({ deviceId }) => deviceId);
  return ids.includes(id) || ids.includes("") ? { deviceId: { exact: id } } : {};
}

/** @returns {Promise<MediaDeviceInfo[]>} */
async function allDevices() {
  return (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
}
