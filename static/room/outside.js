// Out of the room, and why; where it may change, the page goes on asking and offers the way back.
import { announce } from "./announce.js";
import { byId, write } from "./page.js";
import { Roster } from "./roster.js";

const LOOK_SECONDS = 5;

/** @type {Record<Why, [title: string, text: string, button: string]>} */
const WORDS = {
  left: ["You left the session", "You can come back until it ends.", "Join again"],
  elsewhere: ["You joined in another tab", "You're in the room there, so this tab is out.", "Use here"],
  removed: ["The teacher removed you", "You can come back once the teacher lets you in.", ""],
  ended: ["The teacher ended the session", "If the teacher resumes it, you can come back here.", ""],
  closed: ["The room has closed", "You can try to join again.", "Join again"],
  over: ["The session is over", "Thank you for being there.", ""],
  signed_out: ["You've been logged out", "Log in again to come back.", ""],
  no_access: ["You no longer have access", "Your booking of this session has ended.", ""],
};

/** What its teacher reads of "ended": nobody else can. @type {[title: string, text: string, button: string]} */
const ENDED_BY_ME = ["You ended the session", "You can resume it until its time is up.", ""];

export class Outside {
  /**
   * @param {Roster} roster
   * @param {() => void} enter
   */
  constructor(roster, enter) {
    this.roster = roster;
    /** @type {Why} */
    this.why = "left";
    /** Whether our server has said since then how things stand. */
    this.heard = false;
    byId("come-back").addEventListener("click", enter);
    roster.addEventListener("change", () => {
      this.heard = true;
      this.#show();
    });
  }

  /** @param {Why} why */
  async open(why) {
    this.why = why;
    this.heard = false;
    write(byId("outside-title"), "");
    this.#show();
    byId("outside-title").focus();
    if (why === "signed_out" || why === "no_access") this.roster.rest();
    else await this.roster.every(LOOK_SECONDS);
  }

  #show() {
    if (byId("outside").hidden) return;
    const { state } = this.roster;
    // LiveKit says only that the room is gone.
    if (this.why === "closed" && state?.ended_at) this.why = "ended";
    if (this.why === "closed" && this.roster.until("closes_at") <= 0) this.why = "over";
    const { why } = this;
    const [title, text, button] = why === "ended" && state?.me.teacher ? ENDED_BY_ME : WORDS[why];
    const free = why === "removed" ? !state?.me.removed : why === "ended" && !state?.ended_at;
    const back = this.heard && free;
    const words = back ? (why === "removed" ? "The teacher lets you in again." : "The session goes on.") : text;
    if (byId("outside-title").textContent !== title) announce(title);
    else if (back && byId("outside-text").textContent !== words) announce(words);
    write(byId("outside-title"), title);
    write(byId("outside-text"), words);
    const come = byId("come-back");
    come.hidden = !(button || back);
    write(come, button || "Join again");
    byId("log-in").hidden = why !== "signed_out";
    byId("undo-end").hidden = !(why === "ended" && state?.me.teacher && state.ended_at);
  }
}
