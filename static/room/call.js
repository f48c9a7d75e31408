// The connection to the room: it comes back by itself until there is a reason why not.
import { pause } from "./clock.js";
import { choice, wish } from "./devices.js";
import { Refusal, Server } from "./server.js";

/** LiveKit's reasons after which nobody comes back by themselves. @type {Record<number, Why>} */
const FINAL = { 1: "left", 2: "elsewhere", 4: "removed", 5: "closed", 10: "closed" };
const PAUSES = [0, 1000, 2000, 4000, 8000];
/** A refusal that another try may not change. @type {Record<string, Why>} */
const REFUSED = {
  removed_from_room: "removed",
  session_ended_early: "ended",
  room_closed: "over",
  signed_out: "signed_out",
  no_access: "no_access",
};

/**
 * Tells of "status" (joining, inside, reconnecting), of each "change" in the room, of "data", of "sound" and
 * "trouble" with a device, and of "out" with why.
 */
export class Call extends EventTarget {
  /** @param {Server} server */
  constructor(server) {
    super();
    this.server = server;
    /** @type {Room | null} */
    this.room = null;
    this.wants = { camera: false, microphone: false };
    /** Counts the times that somebody joined: what belongs to an earlier one is not listened to. */
    this.turn = 0;
    /** The room, or the one that is about to be: data may come before everything else is there. @type {Room | null} */
    this.latest = null;
  }

  /** Go in, and keep at it while our server or LiveKit is away. */
  async join() {
    const turn = ++this.turn;
    this.#tell("status", "joining");
    for (let tries = 0; turn === this.turn; tries++) {
      await pause(pauseBefore(tries));
      try {
        if (turn === this.turn) return await this.#enter(turn);
      } catch (error) {
        const why = refusal(error);
        if (why && turn === this.turn) return this.#end(why);
        this.#tell("status", "waiting");
      }
    }
  }

  /**
   * Go away for good.
   * @param {Why} why
   */
  async leave(why) {
    const { room } = this;
    this.#end(why);
    await room?.disconnect();
  }

  /**
   * Turn one's own camera or microphone on or off, here and after each return.
   * @param {"camera" | "microphone"} device
   * @param {boolean} on
   */
  async set(device, on) {
    this.wants[device] = on;
    const me = this.room?.localParticipant;
    try {
      await (device === "camera" ? me?.setCameraEnabled(on) : me?.setMicrophoneEnabled(on));
    } catch (error) {
      this.wants[device] = false;
      this.#tell("trouble", { error, device });
    }
    this.#tell("change");
  }

  /** @param {number} turn */
  async #enter(turn) {
    const { url, token } = await this.server.pass();
    const room = new LivekitClient.Room({
      adaptiveStream: true,
      dynacast: true,
      audioCaptureDefaults: await wish("audioinput"),
      videoCaptureDefaults: await wish("videoinput"),
      audioOutput: { deviceId: choice().audiooutput || "default" },
    });
    this.#listen(room, turn);
    this.latest = room;
    await room.connect(url, token);
    if (turn !== this.turn) return void room.disconnect();
    this.room = room;
    this.#ring();
    this.#tell("status", "inside");
    this.#tell("change");
    for (const device of /** @type {const} */ (["microphone", "camera"])) {
      if (this.wants[device]) await this.set(device, true);
    }
  }

  /** Ask to be let in, and again while nobody answers: LiveKit's own word that somebody waits may be late. */
  async #ring() {
    const { room } = this;
    for (let tries = 0; room === this.room; tries++) {
      await pause(pauseBefore(tries));
      try {
        await this.server.letIn();
        return;
      } catch (error) {
        if (refusal(error)) return;
      }
    }
  }

  /**
   * @param {Room} room
   * @param {number} turn
   */
  #listen(room, turn) {
    const change = () => room === this.room && this.#tell("change");
    for (const event of CHANGES) room.on(event, change);
    room.on("participantConnected", ({ identity }) => room === this.room && this.#tell("came", identity));
    room.on("participantDisconnected", ({ identity }) => room === this.room && this.#tell("went", identity));
    for (const event of /** @type {const} */ (["signalReconnecting", "reconnecting"])) {
      room.on(event, () => room === this.room && this.#tell("status", "reconnecting"));
    }
    room.on("reconnected", () => {
      if (room !== this.room) return;
      this.#ring();
      this.#tell("status", "inside");
    });
    room.on("audioPlaybackChanged", () => room === this.room && this.#tell("sound", room.canPlaybackAudio));
    room.on("dataReceived", (bytes, sender, _kind, topic) => {
      if (room === this.latest && sender) this.#tell("data", { bytes, from: sender.identity, topic });
    });
    room.on("trackMuted", (publication, { identity }) => {
      if (room !== this.room || identity !== room.localParticipant.identity) return;
      // Not by this page, which says so itself: the teacher did.
      if (publication.kind === "audio" && this.wants.microphone) {
        this.wants.microphone = false;
        this.#tell("silenced");
      }
    });
    room.on("disconnected", (reason = 0) => {
      // Whoever is put out on the way in would go on waiting for the room.
      if (room === this.room || (turn === this.turn && reason in FINAL)) this.#lost(reason);
    });
  }

  /** @param {number} reason */
  #lost(reason) {
    this.room = null;
    this.#tell("change");
    const why = FINAL[reason];
    if (why) this.#end(why);
    else this.join();
  }

  /** @param {Why} why */
  #end(why) {
    this.turn += 1;
    this.room = null;
    this.#tell("out", why);
  }

  /**
   * @param {string} type
   * @param {unknown} [detail]
   */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {number} tries */
function pauseBefore(tries) {
  return PAUSES[Math.min(tries, PAUSES.length - 1)];
}

/**
 * Why it is no use to try again, if so.
 * @param {unknown} error
 */
function refusal(error) {
  return error instanceof Refusal ? REFUSED[error.code] : undefined;
}

/** What changes how the room looks. */
const CHANGES = /** @type {const} */ ([
  "participantConnected",
  "participantDisconnected",
  "trackSubscribed",
  "trackUnsubscribed",
  "trackMuted",
  "trackUnmuted",
  "trackPublished",
  "trackUnpublished",
  "localTrackPublished",
  "localTrackUnpublished",
  "activeSpeakersChanged",
  "connectionQualityChanged",
  "participantPermissionsChanged",
  "participantActive",
]);
