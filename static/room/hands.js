// Raised hands. Those who come later hear of each from the one who raised it.
import { announce } from "./announce.js";
import { Call } from "./call.js";
import { isUp, send } from "./messages.js";
import { Roster } from "./roster.js";

export class Hands {
  /**
   * @param {Call} call
   * @param {Roster} roster
   * @param {() => void} changed
   */
  constructor(call, roster, changed) {
    this.call = call;
    this.changed = changed;
    this.mine = false;
    /** In the order in which they were raised. @type {Set<string>} */
    this.up = new Set();
    on(call, "data", ({ bytes, from, topic }) => {
      const name = roster.find(from)?.name;
      if (topic === "hand" && name) this.#set(from, isUp(bytes), name);
    });
    on(call, "came", (identity) => this.mine && send(call, "hand", { up: true }, [identity]));
    on(call, "went", (identity) => this.up.delete(identity));
    on(call, "status", (status) => status === "inside" && this.mine && this.#tell());
  }

  toggle() {
    this.mine = !this.mine;
    this.#tell();
    announce(this.mine ? "Your hand is up." : "Your hand is down.");
  }

  /** Everybody's hand is down: the call is over. */
  clear() {
    this.mine = false;
    this.up.clear();
  }

  #tell() {
    const me = this.call.room?.localParticipant.identity;
    if (!me) return;
    if (this.mine) this.up.add(me);
    else this.up.delete(me);
    send(this.call, "hand", { up: this.mine }).catch(() => {});
    this.changed();
  }

  /**
   * @param {string} identity
   * @param {boolean} up
   * @param {string} name
   */
  #set(identity, up, name) {
    if (up === this.up.has(identity)) return;
    if (up) {
      this.up.add(identity);
      announce(`${name} raised a hand.`);
    } else this.up.delete(identity);
    this.changed();
  }
}

/**
 * @param {Call} call
 * @param {string} type
 * @param {(detail: any) => void} heard
 */
function on(call, type, heard) {
  call.addEventListener(type, (event) => heard(/** @type {CustomEvent} */ (event).detail));
}
