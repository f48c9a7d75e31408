// The only way to our own server: each answer is JSON, each refusal has a code and words for people.

/** Our server said no, or nothing: `code` says why. */
export class Refusal extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const AWAY = new Refusal("unreachable", "We couldn't reach the server. Check your connection.");
const SIGNED_OUT = new Refusal("signed_out", "You've been logged out.");
const NO_ACCESS = new Refusal("no_access", "You no longer have access to this session.");

/** The room's addresses, all below its page's. */
export class Server {
  /**
   * @param {string} base
   * @param {string} csrf
   */
  constructor(base, csrf) {
    this.base = base;
    this.csrf = csrf;
  }

  /** @returns {Promise<State>} */
  state() {
    return this.#ask("state/");
  }

  /** @returns {Promise<{url: string, token: string}>} */
  pass() {
    return this.#ask("pass/", "POST");
  }

  /**
   * One is in the room, and sees and hears the others from now on.
   * @returns {Promise<State>}
   */
  letIn() {
    return this.#ask("in/", "POST");
  }

  /**
   * End the session for everybody, or take that back.
   * @param {"end" | "resume"} verb
   * @returns {Promise<State>}
   */
  session(verb) {
    return this.#ask(`${verb}/`, "POST");
  }

  /**
   * @param {string} identity
   * @param {string} verb
   * @returns {Promise<State>}
   */
  person(identity, verb) {
    return this.#ask(`people/${encodeURIComponent(identity)}/${verb}/`, "POST");
  }

  /**
   * @param {string} path
   * @param {string} [method]
   */
  async #ask(path, method = "GET") {
    const headers = { Accept: "application/json", "X-CSRFToken": this.csrf };
    const answer = await fetch(this.base + path, { method, headers }).catch(() => {
      throw AWAY;
    });
    if (answer.status === 401 || answer.redirected) throw SIGNED_OUT;
    const body = await answer.json().catch(() => null);
    if (answer.ok && body) return body;
    if (answer.status === 404) throw NO_ACCESS;
    throw body?.code ? new Refusal(body.code, body.message) : AWAY;
  }
}
