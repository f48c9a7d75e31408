import type { TokenPair } from "./schema.js";
import { inTurn, type TokenStore } from "./tokens.js";

export interface TransportOptions {
  baseUrl: string;
  store: TokenStore;
  fetch: typeof fetch;
  /** How long one attempt may take, in milliseconds. */
  timeout: number;
  /** How many attempts to make in total. */
  tries: number;
  onSignedOut: () => void;
}

// Long, because an abandoned refresh may have used up the token, and with it the sign-in.
const REFRESH_TIMEOUT = 60_000;
// Signing in, up and out need no token, and no refreshing.
const OPEN = /\/api\/auth\/(register|token|logout)$/;

/** A `fetch` that adds the token, refreshes it once, and retries what may be retried. */
export function transport(options: TransportOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const body = request.body ? await request.clone().arrayBuffer() : undefined;
    const send = (): Promise<Response> => signed(options, request, body);
    return repeatable(request) ? persist(send, options.tries, request.signal) : send();
  };
}

/** Reading changes nothing, and a key makes repeating harmless. */
function repeatable(request: Request): boolean {
  return request.method === "GET" || request.headers.has("Idempotency-Key");
}

async function persist(
  send: () => Promise<Response>,
  tries: number,
  signal: AbortSignal,
): Promise<Response> {
  for (let tried = 1; ; tried += 1) {
    let response: Response | undefined;
    try {
      response = await send();
      if (tried >= tries || !(await worthAnother(response))) return response;
    } catch (lost) {
      if (tried >= tries || signal.aborted) throw lost;
    }
    await pause(response, tried);
  }
}

async function worthAnother(response: Response): Promise<boolean> {
  if (response.status === 503) return true;
  if (response.status !== 409) return false;
  const { code } = (await response.clone().json()) as { code?: string };
  return code === "request_in_progress";
}

function pause(response: Response | undefined, tried: number): Promise<void> {
  const asked = Number(response?.headers.get("Retry-After") ?? Number.NaN);
  const seconds = Number.isFinite(asked) ? asked : 0.25 * 2 ** (tried - 1) * (0.5 + Math.random());
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

async function signed(
  options: TransportOptions,
  request: Request,
  body: ArrayBuffer | undefined,
): Promise<Response> {
  const pair = OPEN.test(new URL(request.url).pathname) ? undefined : options.store.get();
  const response = await once(options, request, body, pair);
  if (response.status !== 401 || !pair) return response;
  const fresh = await refreshed(options, pair);
  return fresh ? once(options, request, body, fresh) : response;
}

function once(
  { fetch, timeout }: TransportOptions,
  request: Request,
  body: ArrayBuffer | undefined,
  pair: TokenPair | undefined,
): Promise<Response> {
  const headers = new Headers(request.headers);
  if (pair) headers.set("Authorization", `Bearer ${pair.access}`);
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeout)]);
  return fetch(request.url, { method: request.method, headers, body: body ?? null, signal });
}

/** The pair that follows `stale`; a call that waited finds the one that another call got. */
function refreshed(options: TransportOptions, stale: TokenPair): Promise<TokenPair | undefined> {
  const { store, onSignedOut } = options;
  return inTurn(store, async () => {
    const kept = store.get();
    if (!kept || kept.access !== stale.access) return kept;
    const response = await askForPair(options, kept);
    if (response.ok) {
      const pair = (await response.json()) as TokenPair;
      store.set(pair);
      return pair;
    }
    if (response.status === 401) {
      store.set(undefined);
      onSignedOut();
    }
    return undefined;
  });
}

function askForPair({ baseUrl, fetch }: TransportOptions, pair: TokenPair): Promise<Response> {
  return fetch(new URL("/api/auth/token/refresh", baseUrl), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ refresh: pair.refresh }),
    signal: AbortSignal.timeout(REFRESH_TIMEOUT),
  });
}
