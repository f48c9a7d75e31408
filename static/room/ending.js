// Leaving; and the teacher's "End for everyone", which asks first and can be undone.
import { announce } from "./announce.js";
import { Call } from "./call.js";
import { byId, write } from "./page.js";
import { dialog } from "./panels.js";
import { Roster } from "./roster.js";
import { Refusal } from "./server.js";

export class Ending {
  /**
   * @param {Call} call
   * @param {Roster} roster
   */
  constructor(call, roster) {
    this.roster = roster;
    this.dialog = dialog("ending");
    byId("leave").addEventListener("click", () => call.leave("left"));
    byId("end-for-all").addEventListener("click", () => this.#ask());
    byId("end-now").addEventListener("click", () => this.#post("end"));
    byId("undo-end").addEventListener("click", () => this.#post("resume"));
  }

  #ask() {
    write(byId("held"), this.#held());
    this.#say("");
    this.dialog.showModal();
  }

  /** "18 of 60 minutes held". */
  #held() {
    const { state, now } = this.roster;
    if (!state) return "";
    const [starts, closes] = [Date.parse(state.starts_at), Date.parse(state.closes_at)];
    const minutes = (/** @type {number} */ span) => Math.max(0, Math.floor(span / 60_000));
    return `${minutes(Math.min(now, closes) - starts)} of ${minutes(closes - starts)} minutes held.`;
  }

  /** @param {"end" | "resume"} verb */
  async #post(verb) {
    try {
      this.roster.take(await this.roster.server.session(verb));
      this.dialog.close();
      announce(verb === "end" ? "The session has ended for everyone." : "The session goes on.");
    } catch (error) {
      this.#say(error instanceof Refusal ? error.message : "That didn't work. Try again.");
    }
  }

  /** @param {string} problem */
  #say(problem) {
    write(byId("ending-problem"), problem);
    byId("ending-problem").hidden = !problem;
  }
}
