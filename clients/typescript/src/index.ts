export {
  type Buying,
  type Cancelling,
  type ClientOptions,
  each,
  type ListOptions,
  type Once,
  TalkplatformClient,
} from "./client.js";
export { Intent } from "./intent.js";
export {
  type AnswerOf,
  type AnyRefusal,
  type Page,
  type PageOf,
  RefusalError,
  type RefusalOf,
  type Result,
  type ResultOf,
  type RowOf,
  type Unexpected,
  type Unreachable,
  unwrap,
} from "./results.js";
export type * from "./schema.js";
export { browserStore, memoryStore, type TokenStore } from "./tokens.js";
