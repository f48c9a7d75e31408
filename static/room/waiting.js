// Before the room: how long it takes until it opens, and who is there already. It opens by itself.
import { announce } from "./announce.js";
import { away } from "./clock.js";
import { byId, write } from "./page.js";
import { Roster } from "./roster.js";

const LOOK_SECONDS = 5;

/** The waiting room; `enter` is called once, when the time has come or somebody asks for it. */
export class Waiting {
  /**
   * @param {Roster} roster
   * @param {() => void} enter
   */
  constructor(roster, enter) {
    this.roster = roster;
    this.enter = enter;
    this.button = byId("join", HTMLButtonElement);
    this.button.addEventListener("click", () => this.#go());
    this.timer = 0;
    this.waited = false;
  }

  async begin() {
    this.roster.addEventListener("change", () => this.#showPeople());
    await this.roster.every(LOOK_SECONDS);
    this.timer = window.setInterval(() => this.#tick(), 250);
    this.#tick();
  }

  end() {
    clearInterval(this.timer);
    this.timer = 0;
  }

  #tick() {
    const left = this.roster.until("opens_at");
    const early = left > 0;
    this.button.hidden = early;
    byId("running").hidden = this.roster.until("starts_at") > 0;
    byId("opens").hidden = !early;
    if (early) {
      const known = Number.isFinite(left);
      // Nobody waits for a room that may be open: they go in once they press.
      this.waited ||= known;
      write(byId("opens-in"), known ? away(left) : "soon");
    } else if (this.waited) {
      announce("The room is open.");
      this.#go();
    }
  }

  #go() {
    if (!this.timer) return;
    this.end();
    this.enter();
  }

  #showPeople() {
    const { state } = this.roster;
    if (!state) return;
    write(byId("my-name"), state.me.name);
    const others = state.present.filter(({ identity }) => identity !== state.me.identity);
    const names = others.flatMap(({ identity }) => this.roster.find(identity)?.name ?? []);
    write(byId("already-there"), sentence(names));
  }
}

/** @param {string[]} names */
function sentence(names) {
  if (!names.length) return "Nobody is in the room yet.";
  const shown = names.slice(0, 5);
  if (names.length > shown.length) shown.push(`${names.length - shown.length} more`);
  const list = new Intl.ListFormat("en-GB").format(shown);
  return `${list} ${names.length === 1 ? "is" : "are"} already there.`;
}
