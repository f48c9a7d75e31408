// The bar below the pictures.
import { announce } from "./announce.js";
import { Call } from "./call.js";
import { offerDevices } from "./devices.js";
import { Hands } from "./hands.js";
import { byId, find, write } from "./page.js";
import { dialog } from "./panels.js";
import { explain } from "./permissions.js";
import { Roster } from "./roster.js";
import { Tiles } from "./tiles.js";

export class Controls {
  /**
   * @param {Call} call
   * @param {Roster} roster
   * @param {Hands} hands
   * @param {Tiles} tiles
   */
  constructor(call, roster, hands, tiles) {
    this.call = call;
    this.roster = roster;
    this.hands = hands;
    this.tiles = tiles;
    this.settings = dialog("settings");
    this.fill = offerDevices(this.settings, (kind, id) => call.room?.switchActiveDevice(kind, id).catch(() => {}));
    this.#devices();
    this.#views();
    press("raise-hand", () => hands.toggle());
    press("open-settings", () => {
      this.fill();
      this.settings.showModal();
    });
    press("turn-on-sound", () => call.room?.startAudio());
    call.addEventListener("sound", (event) => {
      byId("sound-blocked").hidden = /** @type {CustomEvent} */ (event).detail;
    });
    call.addEventListener("silenced", () => announce("The teacher muted your microphone."));
    call.addEventListener("trouble", (event) => {
      const { error, device } = /** @type {CustomEvent} */ (event).detail;
      this.#say(explain(error, device));
    });
  }

  #devices() {
    press("microphone", () => this.call.set("microphone", !this.call.room?.localParticipant.isMicrophoneEnabled));
    press("camera", () => this.call.set("camera", !this.call.room?.localParticipant.isCameraEnabled));
    press("share-screen", () => this.#share());
  }

  #views() {
    const { tiles } = this;
    const view = (/** @type {string} */ id, /** @type {() => void} */ change) =>
      press(id, () => {
        change();
        tiles.show();
        this.show();
      });
    view("speaker-view", () => tiles.setView(tiles.view === "grid" ? "speaker" : "grid"));
    view("hide-me", () => (tiles.hideMe = !tiles.hideMe));
    view("audio-only", () => (tiles.audioOnly = !tiles.audioOnly));
  }

  async #share() {
    const me = this.call.room?.localParticipant;
    this.#say("");
    try {
      await me?.setScreenShareEnabled(!me.isScreenShareEnabled);
    } catch (error) {
      // Closing the browser's own question is no trouble.
      if (!(error instanceof DOMException && error.name === "NotAllowedError")) this.#say("Your screen couldn't be shared.");
    }
    this.show();
  }

  /** Show what is on. */
  show() {
    const me = this.call.room?.localParticipant;
    const may = this.roster.state?.me;
    pressed("microphone", Boolean(me?.isMicrophoneEnabled));
    pressed("camera", Boolean(me?.isCameraEnabled));
    pressed("share-screen", Boolean(me?.isScreenShareEnabled));
    pressed("raise-hand", this.hands.mine);
    pressed("speaker-view", this.tiles.view === "speaker");
    pressed("hide-me", this.tiles.hideMe);
    pressed("audio-only", this.tiles.audioOnly);
    const can = "getDisplayMedia" in (navigator.mediaDevices ?? {});
    byId("share-screen").hidden = !(can && (may?.teacher || may?.may_share));
    byId("end-for-all").hidden = !may?.teacher;
  }

  /** @param {string} problem */
  #say(problem) {
    write(find(byId("trouble"), "p"), problem);
    byId("trouble").hidden = !problem;
    if (problem) announce(problem);
  }
}

/**
 * @param {string} id
 * @param {() => void} act
 */
function press(id, act) {
  byId(id).addEventListener("click", act);
}

/**
 * @param {string} id
 * @param {boolean} on
 */
function pressed(id, on) {
  byId(id).setAttribute("aria-pressed", String(on));
}
