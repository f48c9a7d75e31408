// Who is here: for everybody the names, for the teacher the register from our evidence and what they may do.
import { announce } from "./announce.js";
import { timeOf } from "./clock.js";
import { byId, copyOf, find, write } from "./page.js";
import { Roster } from "./roster.js";
import { Refusal } from "./server.js";

/** @typedef {{identity: string, name: string, listed?: Listed, person?: Person, since?: string}} Row */

/** What the teacher's buttons do, and what is said when it is done. */
const DONE = /** @type {Record<string, (name: string) => string>} */ ({
  mute: (name) => `${name} is muted.`,
  remove: (name) => `${name} was removed and can't come back until you let them in.`,
  admit: (name) => `${name} may come in again.`,
  share: (name) => `${name} may share their screen.`,
  unshare: (name) => `${name} may no longer share their screen.`,
});

export class Register {
  /**
   * @param {Roster} roster
   * @param {string} zone
   */
  constructor(roster, zone) {
    this.roster = roster;
    this.zone = zone;
    this.list = byId("people-list");
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
  }

  /** @param {Person[]} people */
  show(people) {
    const rows = this.#rowsOf(people);
    const wanted = new Set(rows.map(({ identity }) => identity));
    for (const [identity, element] of this.rows) {
      if (wanted.has(identity)) continue;
      element.remove();
      this.rows.delete(identity);
    }
    rows.forEach((row, n) => {
      const element = this.rows.get(row.identity) ?? this.#add(row.identity);
      if (this.list.children[n] !== element) this.list.insertBefore(element, this.list.children[n] ?? null);
      this.#fill(element, row);
    });
    write(byId("people-count"), String(people.length));
  }

  /**
   * Those who are connected; for the teacher then those who are not here.
   * @param {Person[]} people
   * @returns {Row[]}
   */
  #rowsOf(people) {
    const { state } = this.roster;
    const since = new Map(state?.present.map((one) => [one.identity, one.since]));
    const here = people.map((person) => ({
      identity: person.identity,
      name: person.name,
      person,
      listed: this.roster.find(person.identity),
      since: since.get(person.identity),
    }));
    if (!state?.me.teacher) return here;
    const connected = new Set(people.map(({ identity }) => identity));
    const away = state.people.filter(({ identity }) => !connected.has(identity));
    return [...here, ...away.map((listed) => ({ identity: listed.identity, name: listed.name, listed }))];
  }

  /** @param {string} identity */
  #add(identity) {
    const element = copyOf("person-template");
    for (const button of element.querySelectorAll("button")) {
      button.addEventListener("click", () => this.#act(identity, button));
    }
    this.rows.set(identity, element);
    return element;
  }

  /**
   * @param {HTMLElement} element
   * @param {Row} row
   */
  #fill(element, { name, person, listed, since }) {
    const runs = Boolean(this.roster.state?.me.teacher) && listed && !listed.teacher;
    write(find(element, ".person-name"), person?.me ? `${name} (you)` : name);
    write(find(element, ".person-facts"), this.#facts(person, listed, since));
    const offered = {
      mute: runs && person && !person.muted,
      share: runs && person && !listed.may_share,
      unshare: runs && listed.may_share,
      remove: runs && !listed.removed,
      admit: runs && listed.removed,
    };
    for (const button of element.querySelectorAll("button")) {
      const verb = /** @type {keyof offered} */ (button.dataset.verb);
      button.hidden = !offered[verb];
      write(find(button, "[data-name]"), name);
    }
  }

  /**
   * @param {Person} [person]
   * @param {Listed} [listed]
   * @param {string} [since]
   */
  #facts(person, listed, since) {
    const runs = this.roster.state?.me.teacher;
    return [
      listed?.teacher && "Teacher",
      !listed && "Not on the list of this session",
      listed?.removed && "Removed",
      !person && !listed?.removed && "Not here",
      person?.hand && "Hand raised",
      person?.muted && "Muted",
      runs && person && since && `Here since ${timeOf(since, this.zone)}`,
    ]
      .filter(Boolean)
      .join(" · ");
  }

  /**
   * @param {string} identity
   * @param {HTMLButtonElement} button
   */
  async #act(identity, button) {
    const verb = button.dataset.verb ?? "";
    const name = this.roster.find(identity)?.name ?? "";
    button.disabled = true;
    try {
      this.roster.take(await this.roster.server.person(identity, verb));
      announce(DONE[verb](name));
      this.#say("");
    } catch (error) {
      this.#say(error instanceof Refusal ? error.message : "That didn't work. Try again.");
    } finally {
      button.disabled = false;
    }
  }

  /** @param {string} problem */
  #say(problem) {
    write(byId("people-problem"), problem);
    byId("people-problem").hidden = !problem;
    if (problem) announce(problem);
  }
}
