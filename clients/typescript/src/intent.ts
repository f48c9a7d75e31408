/**
 * Something to be done once, such as buying a course: one idempotency key, however often it is
 * tried. Keep the intent and pass it again after a failure that left the outcome open.
 */
export class Intent {
  readonly key: string = crypto.randomUUID();
  #request: string | undefined;

  /** An intent is for one request; a different request needs its own intent. */
  claim(request: string): string {
    this.#request ??= request;
    if (this.#request !== request) {
      throw new Error(`This intent is for ${this.#request}, not for ${request}.`);
    }
    return this.key;
  }
}
