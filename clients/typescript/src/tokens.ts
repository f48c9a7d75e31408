import type { TokenPair } from "./schema.js";

/** Where the pair of tokens is kept. Two clients with one store are one sign-in. */
export interface TokenStore {
  get(): TokenPair | undefined;
  set(pair: TokenPair | undefined): void;
}

/** Kept until the page is left. */
export function memoryStore(): TokenStore {
  let kept: TokenPair | undefined;
  return { get: () => kept, set: (pair) => void (kept = pair) };
}

/** Kept in the browser, shared by its tabs. */
export function browserStore(storage: Storage = localStorage, name = "talkplatform"): TokenStore {
  return {
    get: () => {
      const kept = storage.getItem(name);
      return kept ? (JSON.parse(kept) as TokenPair) : undefined;
    },
    set: (pair) => (pair ? storage.setItem(name, JSON.stringify(pair)) : storage.removeItem(name)),
  };
}

const turns = new WeakMap<TokenStore, Promise<unknown>>();

/**
 * One at a time for this store: a refresh token is good for once, and using it twice ends the
 * whole sign-in. Tabs of a browser wait for each other by its lock, calls of one page in a row.
 */
export function inTurn<T>(store: TokenStore, act: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  const locked = async (): Promise<T> =>
    locks ? await locks.request("talkplatform-refresh", act) : await act();
  const mine = (turns.get(store) ?? Promise.resolve()).then(locked, locked);
  turns.set(store, mine);
  return mine as Promise<T>;
}
