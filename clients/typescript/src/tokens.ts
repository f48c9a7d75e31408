import type { TokenPair } from "./schema.js";

/** Where the pair of tokens is kept. Two clients with the same store share one sign-in. */
export interface TokenStore {
  get(): TokenPair | undefined;
  set(pair: TokenPair | undefined): void;
}

/** Kept until the user leaves the page. */
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
 * One at a time for this store: a refresh token works once, and using it twice ends the
 * whole sign-in. Browser tabs wait for each other through a lock, calls of one page in a queue.
 */
export function inTurn<T>(store: TokenStore, act: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  const locked = async (): Promise<T> =>
    locks
      ? await locks.request("talkplatform-refresh", () => upToDate(locks, store, act))
      : await act();
  const mine = (turns.get(store) ?? Promise.resolve()).then(locked, locked);
  turns.set(store, mine);
  return mine as Promise<T>;
}

let letGo = (): void => undefined;

// A tab may get the lock before it sees what another tab wrote to the storage. All tabs see locks
// at once, so the tab that used up a token keeps a lock named after it, and the next waits for the write.
async function upToDate<T>(
  locks: LockManager,
  store: TokenStore,
  act: () => Promise<T>,
): Promise<T> {
  for (let looks = 0; looks < 100 && (await isUsedUp(locks, store.get())); looks += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const before = store.get();
  const result = await act();
  if (before && before.refresh !== store.get()?.refresh) await markUsedUp(locks, before);
  return result;
}

async function isUsedUp(locks: LockManager, pair: TokenPair | undefined): Promise<boolean> {
  if (!pair) return false;
  const { held = [] } = await locks.query();
  return held.some(({ name }) => name === nameOf(pair));
}

/** Until this page uses up the next one, or the user leaves it. */
function markUsedUp(locks: LockManager, pair: TokenPair): Promise<void> {
  letGo();
  return new Promise((marked) => {
    void locks.request(nameOf(pair), () => {
      marked();
      return new Promise<void>((resolve) => (letGo = resolve));
    });
  });
}

const nameOf = ({ refresh }: TokenPair): string => `talkplatform-used-${refresh}`;
