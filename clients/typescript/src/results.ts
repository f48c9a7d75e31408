import type { operations } from "./schema.js";

type Operation = keyof operations;
type Responses<Op extends Operation> = operations[Op]["responses"];
type Body<Answer> = Answer extends { content: { "application/json": infer B } } ? B : undefined;
type Success = 200 | 201 | 202 | 204;
type Successful<Op extends Operation> = Extract<keyof Responses<Op>, Success>;
type Refused<Op extends Operation> = Exclude<keyof Responses<Op>, Success | "default">;

/** No answer came after all attempts. It may have been done: try again with the same intent. */
export interface Unreachable {
  code: "unreachable";
  message: string;
  details: { cause: unknown };
}

/** Not an answer of this API, but of a proxy, say. `details` has its status and body. */
export interface Unexpected {
  code: "unexpected";
  message: string;
  details: { status: number; body: unknown };
}

/** What this call can be refused with; narrow it by `code`. */
export type RefusalOf<Op extends Operation> =
  | Body<Responses<Op>[Refused<Op>]>
  | Unreachable
  | Unexpected;

export type AnswerOf<Op extends Operation> = Body<Responses<Op>[Successful<Op>]>;

/** `replayed`: this is the first answer to this intent, sent again. */
export type Result<Data, Refusal> =
  | { ok: true; data: Data; replayed: boolean }
  | { ok: false; refusal: Refusal };

export type ResultOf<Op extends Operation> = Result<AnswerOf<Op>, RefusalOf<Op>>;

/** One page of a list; `next` is the cursor of the following page. */
export interface Page<Row> {
  rows: Row[];
  next: string | undefined;
}

export type PageOf<Op extends Operation> = Result<Page<RowOf<Op>>, RefusalOf<Op>>;
export type RowOf<Op extends Operation> = AnswerOf<Op> extends (infer Row)[] ? Row : never;

export interface AnyRefusal {
  code: string;
  message: string;
  details: unknown;
}

/** Thrown by `unwrap` and by the iterators. */
export class RefusalError extends Error {
  constructor(readonly refusal: AnyRefusal) {
    super(refusal.message);
    this.name = "RefusalError";
  }
}

/** Returns the data, or throws a `RefusalError`. */
export function unwrap<Data>(result: Result<Data, AnyRefusal>): Data {
  if (result.ok) return result.data;
  throw new RefusalError(result.refusal);
}

interface Fetched {
  data?: unknown;
  error?: unknown;
  response: Response;
}

/** Awaits a call of openapi-fetch and tells its outcomes apart. */
export async function settle<Op extends Operation>(call: Promise<Fetched>): Promise<ResultOf<Op>> {
  let fetched: Fetched;
  try {
    fetched = await call;
  } catch (cause) {
    return refuse({ code: "unreachable", message: "No answer came.", details: { cause } });
  }
  const { data, error, response } = fetched;
  if (response.ok) {
    const replayed = response.headers.get("Idempotent-Replayed") === "true";
    return { ok: true, data: data as AnswerOf<Op>, replayed };
  }
  if (isRefusal(error)) return refuse(error as RefusalOf<Op>);
  const status = response.status;
  const message = `The server answered ${status}.`;
  return refuse({ code: "unexpected", message, details: { status, body: error } });
}

function isRefusal(body: unknown): body is AnyRefusal {
  return typeof body === "object" && body !== null && "code" in body && "message" in body;
}

function refuse<Refusal>(refusal: Refusal): { ok: false; refusal: Refusal } {
  return { ok: false, refusal };
}
