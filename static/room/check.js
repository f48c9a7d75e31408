// Camera, microphone and speaker, tried out before anybody else sees or hears them.
import { announce } from "./announce.js";
import { choice, choose, offerDevices, wish } from "./devices.js";
import { playTestSound, showLevel } from "./meter.js";
import { byId, find, write } from "./page.js";
import { explain } from "./permissions.js";

/** @typedef {"camera" | "microphone"} Device */

const DEVICES = /** @type {const} */ (["camera", "microphone"]);
const KINDS = /** @type {const} */ ({ camera: "videoinput", microphone: "audioinput" });

/** The check's part of a page: the same in the waiting room and on its own page. */
export class Check {
  constructor() {
    this.root = byId("check");
    this.picture = find(this.root, "video", HTMLVideoElement);
    this.meter = find(this.root, "meter", HTMLMeterElement);
    /** @type {Partial<Record<Device, MediaStream>>} */
    this.streams = {};
    /** @type {Partial<Record<Device, string>>} */
    this.problems = {};
    /** They follow each other: a device may be chosen while another is about to start. */
    /** @type {Partial<Record<Device, Promise<void>>>} */
    this.starts = {};
    this.quiet = () => {};
    this.over = false;
    this.begun = Promise.resolve();
    this.fill = offerDevices(this.root, (kind) => this.#changed(kind));
    for (const device of DEVICES) {
      this.#button(device).addEventListener("click", () => this.#press(device));
    }
    find(this.root, "[data-sound]").addEventListener("click", () => playTestSound(choice().audiooutput));
  }

  /** Begin: at once where the browser was allowed to before, else with the press of a button. */
  begin() {
    this.begun = this.#begin();
  }

  async #begin() {
    const starts = DEVICES.map(async (device) => {
      if (choice()[device] && (await isAllowed(device))) await this.#start(device);
      else this.#show(device);
    });
    await Promise.all([this.fill(), ...starts]);
  }

  /** Let go of both devices, so that the room can take them. */
  end() {
    this.over = true;
    for (const device of DEVICES) this.#stop(device);
  }

  /** What somebody goes in with. */
  get wants() {
    return { camera: Boolean(this.streams.camera), microphone: Boolean(this.streams.microphone) };
  }

  /** @param {Device} device */
  async #press(device) {
    const off = Boolean(this.streams[device]);
    if (off) this.#stop(device);
    else await this.#start(device);
    choose({ [device]: !off });
  }

  /** @param {Device} device */
  #start(device) {
    const before = this.starts[device];
    const start = async () => {
      await before;
      await this.#open(device);
    };
    return (this.starts[device] = start());
  }

  /** @param {Device} device */
  async #open(device) {
    try {
      this.#stop(device);
      this.streams[device] = await streamOf(device);
      delete this.problems[device];
      if (this.over) this.#stop(device);
    } catch (error) {
      this.problems[device] = explain(error, device);
    }
    this.#show(device);
    await this.fill();
  }

  /** @param {Device} device */
  #stop(device) {
    for (const track of this.streams[device]?.getTracks() ?? []) track.stop();
    delete this.streams[device];
    this.#show(device);
  }

  /** @param {Device} device */
  #show(device) {
    const stream = this.streams[device] ?? null;
    this.#button(device).setAttribute("aria-pressed", String(Boolean(stream)));
    if (device === "camera") {
      this.picture.srcObject = stream;
      this.picture.hidden = !stream;
    } else {
      this.quiet();
      this.quiet = stream ? showLevel(stream, this.meter) : () => {};
    }
    const problem = this.problems[device] ?? "";
    const place = find(this.root, `[data-problem=${device}]`);
    if (problem && place.textContent !== problem) announce(problem);
    write(place, problem);
    place.hidden = !problem;
  }

  /** @param {MediaDeviceKind} kind */
  async #changed(kind) {
    const device = DEVICES.find((one) => KINDS[one] === kind);
    if (!device) return;
    await this.starts[device];
    if (this.streams[device]) await this.#start(device);
  }

  /** @param {Device} device */
  #button(device) {
    return find(this.root, `[data-toggle=${device}]`, HTMLButtonElement);
  }
}

/**
 * The chosen device's picture or sound, or another's: before somebody allowed it, nobody knows whether it is there.
 * @param {Device} device
 */
async function streamOf(device) {
  const ask = (/** @type {MediaTrackConstraints} */ which) =>
    navigator.mediaDevices.getUserMedia(device === "camera" ? { video: which } : { audio: which });
  const wanted = await wish(KINDS[device]);
  return ask(wanted).catch((error) => {
    if (!wanted.deviceId || error.name !== "OverconstrainedError") throw error;
    return ask({});
  });
}

/**
 * Whether asking for a device would open no question of the browser's.
 * @param {Device} device
 */
async function isAllowed(device) {
  const name = /** @type {PermissionName} */ (/** @type {string} */ (device));
  const status = await navigator.permissions?.query({ name }).catch(() => null);
  return status?.state === "granted";
}
