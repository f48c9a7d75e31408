/**
 * What somebody means to do once, such as buying a course: one idempotency key, kept however often
 * it is tried. Keep the intent and hand it in again after a failure that left it open.
 */
export class Intent {
  readonly key: string = crypto.randomUUID();
  #request: string | undefined;

  /** An intent is for one request; another one needs an intent of its own. */
  claim(request: string): string {
    this.#request ??= request;
    if (this.#request !== request) {
      throw new Error(`This intent is for ${this.#request}, not for ${request}.`);
    }
    return this.key;
  }
}
