// Who may be here and who is, by our server's list: names and rights never come from LiveKit.
import { Refusal, Server } from "./server.js";

/** Our server's answer, asked for again and again; tells of "change", and of "lost" with why. */
export class Roster extends EventTarget {
  /** @param {Server} server */
  constructor(server) {
    super();
    this.server = server;
    /** @type {State | null} */
    this.state = null;
    this.ahead = 0;
    this.timer = 0;
    /** Questions are numbered. What was asked before the one that was answered last would tell of the past. */
    this.asked = 0;
    this.answered = 0;
  }

  /** Our server's time, in milliseconds. */
  get now() {
    return Date.now() + this.ahead;
  }

  /** @param {string} identity */
  find(identity) {
    return this.state?.people.find((one) => one.identity === identity);
  }

  /**
   * @param {State} state
   * @param {number} [question] which it answers; if left out, it is newer than all that were asked
   */
  take(state, question = this.asked) {
    this.answered = question;
    this.ahead = Date.parse(state.now) - Date.now();
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }

  /** Ask now. A server that is away for a while changes nothing. */
  async refresh() {
    const question = ++this.asked;
    try {
      const state = await this.server.state();
      if (question > this.answered) this.take(state, question);
    } catch (error) {
      const code = error instanceof Refusal && question > this.answered ? error.code : "";
      if (code === "signed_out" || code === "no_access") {
        this.dispatchEvent(new CustomEvent("lost", { detail: code }));
      }
    }
  }

  /**
   * Ask now, and every so many seconds from then on; what was asked before doesn't count any more.
   * @param {number} seconds
   */
  async every(seconds) {
    clearInterval(this.timer);
    this.answered = this.asked;
    this.timer = window.setInterval(() => this.refresh(), seconds * 1000);
    await this.refresh();
  }

  rest() {
    clearInterval(this.timer);
  }

  /**
   * Milliseconds from now to one of the session's times.
   * @param {"opens_at" | "starts_at" | "closes_at"} time
   */
  until(time) {
    return this.state ? Date.parse(this.state[time]) - this.now : Infinity;
  }
}
