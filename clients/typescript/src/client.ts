import createFetcher, { type Client as Fetcher } from "openapi-fetch";

import { Intent } from "./intent.js";
import {
  type AnyRefusal,
  type Page,
  type PageOf,
  RefusalError,
  type RefusalOf,
  type Result,
  type ResultOf,
  type RowOf,
  settle,
} from "./results.js";
import type {
  Earnings,
  operations,
  paths,
  RefundRequest,
  Registration,
  TopUpRequest,
  WithdrawalRequest,
} from "./schema.js";
import { memoryStore, type TokenStore } from "./tokens.js";
import { transport } from "./transport.js";

export interface ClientOptions {
  /** The address of the server, such as `https://talk.example.com`. */
  baseUrl: string;
  /** Where tokens are kept; in memory by default. */
  store?: TokenStore;
  fetch?: typeof fetch;
  /** How long one attempt may take, in milliseconds. */
  timeout?: number;
  /** How often to try a call that may be repeated. */
  tries?: number;
  /** Called when the sign-in has ended and the user has to sign in again. */
  onSignedOut?: () => void;
}

/** `intent`: pass the same one again to retry the same thing. */
export interface Once {
  intent?: Intent;
}

/** `expectedPrice`: the `price_now` that was shown; a different price is refused with `price_changed`. */
export interface Buying extends Once {
  expectedPrice?: string;
}

/** `expectedRefund`: what the preview showed; a lower refund is refused with `refund_lowered`. */
export interface Cancelling extends Once {
  reason?: string;
  expectedRefund?: string;
}

export interface ListOptions {
  limit?: number;
  cursor?: string;
}

type Query<Op extends keyof operations> = NonNullable<operations[Op]["parameters"]["query"]>;
type Found<Op extends keyof operations> = Promise<ResultOf<Op>>;

/** The calls of the enrolment system. None of them throws on a refusal: check `ok`. */
export class TalkplatformClient {
  /** Every route of the API by its path, typed by the contract. */
  readonly api: Fetcher<paths>;
  readonly #store: TokenStore;

  constructor(options: ClientOptions) {
    const { baseUrl, fetch = (url, init) => globalThis.fetch(url, init) } = options;
    this.#store = options.store ?? memoryStore();
    const settings = { baseUrl, fetch, store: this.#store };
    const { timeout = 10_000, tries = 4, onSignedOut = () => undefined } = options;
    this.api = createFetcher<paths>({
      baseUrl,
      fetch: transport({ ...settings, timeout, tries, onSignedOut }),
    });
  }

  get signedIn(): boolean {
    return this.#store.get() !== undefined;
  }

  register(body: Registration): Found<"register"> {
    return settle(this.api.POST("/api/auth/register", { body }));
  }

  async signIn(email: string, password: string): Found<"sign_in"> {
    const body = { email, password };
    const result = await settle<"sign_in">(this.api.POST("/api/auth/token", { body }));
    if (result.ok) this.#store.set(result.data);
    return result;
  }

  /** Ends the sign-in here at once, and on the server. */
  async signOut(): Promise<void> {
    const pair = this.#store.get();
    this.#store.set(undefined);
    if (pair) await settle(this.api.POST("/api/auth/logout", { body: { refresh: pair.refresh } }));
  }

  getMe(): Found<"get_me"> {
    return settle(this.api.GET("/api/auth/me"));
  }

  /** Send a link to another address, which replaces the current one once the link is used. */
  changeEmail(email: string, password: string): Found<"change_email"> {
    return settle(this.api.POST("/api/auth/email", { body: { email, password } }));
  }

  /** Send another link to confirm the address: the new one, if one is waiting. */
  sendEmailLink(): Found<"send_email_link"> {
    return settle(this.api.POST("/api/auth/email/link"));
  }

  getCourse(course_id: string): Found<"get_course"> {
    return settle(this.api.GET("/api/courses/{course_id}", { params: { path: { course_id } } }));
  }

  getCourses(query: Query<"list_courses"> = {}): Promise<PageOf<"list_courses">> {
    return page<"list_courses">(this.api.GET("/api/courses", { params: { query } }));
  }

  enrollCourse(course_id: string, options: Buying = {}): Found<"enroll_course"> {
    const body = price(options);
    const params = { path: { course_id }, header: key(options, "enroll", course_id, body) };
    return settle(this.api.POST("/api/enrollments/courses/{course_id}", { params, body }));
  }

  purchaseSession(session_id: string, options: Buying = {}): Found<"purchase_session"> {
    const body = price(options);
    const params = { path: { session_id }, header: key(options, "purchase", session_id, body) };
    return settle(
      this.api.POST("/api/enrollments/sessions/{session_id}/purchase", { params, body }),
    );
  }

  cancelEnrollment(
    enrollment_id: string,
    options: Cancelling = {},
  ): Found<"cancel_enrollment"> {
    const body = refund(options);
    const params = { path: { enrollment_id }, header: key(options, "cancel", enrollment_id, body) };
    return settle(this.api.DELETE("/api/enrollments/{enrollment_id}", { params, body }));
  }

  cancelSessionPurchase(
    purchase_id: string,
    options: Cancelling = {},
  ): Found<"cancel_session_purchase"> {
    const body = refund(options);
    const params = { path: { purchase_id }, header: key(options, "cancel", purchase_id, body) };
    return settle(this.api.DELETE("/api/enrollments/sessions/{purchase_id}", { params, body }));
  }

  /** Return one session whose start or length changed after the sale; the enrolment goes on. */
  handBackSession(
    enrollment_id: string,
    session_id: string,
    options: Cancelling = {},
  ): Found<"hand_back_session"> {
    const path = { enrollment_id, session_id };
    const body = refund(options);
    const params = { path, header: key(options, "hand back", enrollment_id, session_id, body) };
    return settle(
      this.api.DELETE("/api/enrollments/{enrollment_id}/sessions/{session_id}", { params, body }),
    );
  }

  previewEnrollmentCancellation(enrollment_id: string): Found<"preview_enrollment_cancellation"> {
    const params = { path: { enrollment_id } };
    return settle(this.api.GET("/api/enrollments/{enrollment_id}/cancellation", { params }));
  }

  previewSessionCancellation(purchase_id: string): Found<"preview_session_cancellation"> {
    const params = { path: { purchase_id } };
    return settle(this.api.GET("/api/enrollments/sessions/{purchase_id}/cancellation", { params }));
  }

  getMyEnrollments(query: ListOptions = {}): Promise<PageOf<"list_my_enrollments">> {
    return page<"list_my_enrollments">(this.api.GET("/api/enrollments/me", { params: { query } }));
  }

  getMySessionPurchases(query: ListOptions = {}): Promise<PageOf<"list_my_session_purchases">> {
    return page<"list_my_session_purchases">(
      this.api.GET("/api/enrollments/me/sessions", { params: { query } }),
    );
  }

  checkSessionAccess(session_id: string): Found<"check_session_access"> {
    const params = { path: { session_id } };
    return settle(this.api.GET("/api/enrollments/sessions/{session_id}/access", { params }));
  }

  /** What I was told, newest first; `unread`: only what I have not read. */
  getNotices(
    query: ListOptions & { unread?: boolean } = {},
  ): Promise<PageOf<"list_notices">> {
    return page<"list_notices">(this.api.GET("/api/notices", { params: { query } }));
  }

  readNotice(notice_id: string): Found<"read_notice"> {
    const params = { path: { notice_id } };
    return settle(this.api.POST("/api/notices/{notice_id}/read", { params }));
  }

  /** Say that I know what a notice says, which reads it too. */
  acknowledgeNotice(notice_id: string): Found<"acknowledge_notice"> {
    const params = { path: { notice_id } };
    return settle(this.api.POST("/api/notices/{notice_id}/acknowledge", { params }));
  }

  getWallet(): Found<"get_wallet"> {
    return settle(this.api.GET("/api/payments/wallet"));
  }

  getTransfers(query: ListOptions = {}): Promise<PageOf<"list_transfers">> {
    return page<"list_transfers">(this.api.GET("/api/payments/transfers", { params: { query } }));
  }

  getHolds(query: ListOptions = {}): Promise<PageOf<"list_holds">> {
    return page<"list_holds">(this.api.GET("/api/payments/holds", { params: { query } }));
  }

  /** What a teacher or referrer has earned; the sessions continue like a list. */
  async getEarnings(
    query: ListOptions = {},
  ): Promise<Result<Earnings & { next: string | undefined }, RefusalOf<"get_earnings">>> {
    const call = linked(this.api.GET("/api/payments/earnings", { params: { query } }));
    const result = await settle<"get_earnings">(call);
    if (!result.ok) return result;
    return { ...result, data: { ...result.data, next: cursorIn((await call).link) } };
  }

  getWithdrawals(query: ListOptions = {}): Promise<PageOf<"list_withdrawals">> {
    return page<"list_withdrawals">(
      this.api.GET("/api/payments/withdrawals", { params: { query } }),
    );
  }

  /** Request a withdrawal; it takes the password again. */
  requestWithdrawal(body: WithdrawalRequest, once: Once = {}): Found<"request_withdrawal"> {
    const params = { header: key(once, "withdraw", body.amount, body.payout_details) };
    return settle(this.api.POST("/api/payments/withdrawals", { params, body }));
  }

  cancelWithdrawal(withdrawal_id: string, once: Once = {}): Found<"cancel_withdrawal"> {
    const params = { path: { withdrawal_id }, header: key(once, "take back", withdrawal_id) };
    return settle(this.api.DELETE("/api/payments/withdrawals/{withdrawal_id}", { params }));
  }

  getTopUps(query: ListOptions = {}): Promise<PageOf<"list_top_ups">> {
    return page<"list_top_ups">(this.api.GET("/api/payments/topups", { params: { query } }));
  }

  /** Ask for credit; then send the user to the `checkout_url` of the answer, to pay it there. */
  requestTopUp(body: TopUpRequest, once: Once = {}): Found<"request_top_up"> {
    const params = { header: key(once, "top up", body) };
    return settle(this.api.POST("/api/payments/topups", { params, body }));
  }

  getRefunds(query: ListOptions = {}): Promise<PageOf<"list_refunds">> {
    return page<"list_refunds">(this.api.GET("/api/payments/refunds", { params: { query } }));
  }

  /** Have credit sent back to where it was paid from, at most the wallet's `refundable`. */
  requestRefund(body: RefundRequest, once: Once = {}): Found<"request_refund"> {
    const params = { header: key(once, "refund", body) };
    return settle(this.api.POST("/api/payments/refunds", { params, body }));
  }

  getTopUp(top_up_id: string): Found<"get_top_up"> {
    return settle(this.api.GET("/api/payments/topups/{top_up_id}", { params: { path: { top_up_id } } }));
  }
}

/**
 * Every row of a list, page by page, for as long as the loop runs:
 * `for await (const row of each((page) => client.getMyEnrollments(page)))`.
 * Throws a `RefusalError` if a page is refused.
 */
export async function* each<Row, Options extends ListOptions>(
  list: (options: Options) => Promise<Result<Page<Row>, AnyRefusal>>,
  options: Options = {} as Options,
): AsyncGenerator<Row, void> {
  let cursor = options.cursor;
  do {
    const result = await list(cursor === undefined ? options : { ...options, cursor });
    if (!result.ok) throw new RefusalError(result.refusal);
    yield* result.data.rows;
    cursor = result.data.next;
  } while (cursor !== undefined);
}

/** A header for one request: to the server, a different body is a different request. */
function key(
  { intent = new Intent() }: Once,
  ...request: (string | object)[]
): { "Idempotency-Key": string } {
  const words = request.map((part) => (typeof part === "string" ? part : JSON.stringify(part)));
  return { "Idempotency-Key": intent.claim(words.join(" ")) };
}

function price({ expectedPrice }: Buying): { expected_price?: string } {
  return expectedPrice === undefined ? {} : { expected_price: expectedPrice };
}

function refund({ reason, expectedRefund }: Cancelling): {
  reason?: string;
  expected_refund?: string;
} {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(expectedRefund === undefined ? {} : { expected_refund: expectedRefund }),
  };
}

type Fetched = Promise<{ data?: unknown; error?: unknown; response: Response }>;
type Lists =
  | "list_courses"
  | "list_my_enrollments"
  | "list_my_session_purchases"
  | "list_notices"
  | "list_transfers"
  | "list_holds"
  | "list_withdrawals"
  | "list_top_ups"
  | "list_refunds";

async function page<Op extends Lists>(fetched: Fetched): Promise<PageOf<Op>> {
  const call = linked(fetched);
  const result = await settle<Op>(call);
  if (!result.ok) return result;
  const rows = result.data as RowOf<Op>[];
  return { ok: true, data: { rows, next: cursorIn((await call).link) }, replayed: false };
}

async function linked<F extends { response: Response }>(
  call: Promise<F>,
): Promise<F & { link: string | null }> {
  const fetched = await call;
  return { ...fetched, link: fetched.response.headers.get("Link") };
}

/** The cursor of the next page, from a `Link` header. */
function cursorIn(link: string | null): string | undefined {
  const next = link?.match(/<([^>]*)>\s*;\s*rel="next"/)?.[1];
  return next ? (new URL(next).searchParams.get("cursor") ?? undefined) : undefined;
}
