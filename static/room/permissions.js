// Why a camera or a microphone can't be used, and what to do about it in the browser at hand.

/** @param {string} agent */
function steps(agent) {
  if (/CriOS|FxiOS|EdgiOS/.test(agent)) {
    return "Open your device's Settings app, choose this browser, and turn on Camera and Microphone. Then reload this page.";
  }
  // An iPad says that it is a Mac, which has no screen to touch.
  if (/iPhone|iPad/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1)) {
    return "Tap the page settings icon beside the address, choose Website Settings, and set Camera and Microphone to Allow. Then reload this page.";
  }
  if (/Android/.test(agent)) {
    return "Tap the icon to the left of the address, choose Permissions, and allow Camera and Microphone. Then reload this page.";
  }
  if (/Firefox/.test(agent)) {
    return "Click the crossed-out camera or microphone to the left of the address and remove the block. Then reload this page.";
  }
  if (/Edg\//.test(agent)) {
    return "Click the padlock to the left of the address, choose Permissions for this site, and allow Camera and Microphone. Then reload this page.";
  }
  if (/Chrom/.test(agent)) {
    return "Click the icon to the left of the address and turn on Camera and Microphone. Then reload this page.";
  }
  return "In the menu Safari, choose Settings for This Website, and set Camera and Microphone to Allow. Then reload this page.";
}

/**
 * What is wrong, in a sentence or two.
 * @param {unknown} error
 * @param {"camera" | "microphone"} device
 */
export function explain(error, device) {
  const name = error instanceof DOMException ? error.name : "";
  if (!navigator.mediaDevices) return "Cameras and microphones work only on pages that came over HTTPS.";
  if (name === "NotAllowedError" && /system/.test(/** @type {DOMException} */ (error).message)) {
    return `Your system keeps the ${device} from this browser. Allow it in the system's privacy settings, then reload this page.`;
  }
  if (name === "NotAllowedError") {
    return `Your browser blocks the ${device} on this site. ${steps(navigator.userAgent)}`;
  }
  if (name === "NotFoundError") return `No ${device} was found. Connect one, or join without it.`;
  if (name === "NotReadableError") {
    return `Another program is using your ${device}. Close it, then try again.`;
  }
  return `Your ${device} couldn't be started. Try again, or join without it.`;
}
