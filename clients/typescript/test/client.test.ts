import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { each, Intent, memoryStore, TalkplatformClient, unwrap } from "../src/index.js";
import { Proxy, world } from "./world.js";

let proxy: Proxy;

beforeEach(async () => {
  proxy = await Proxy.start(world.baseUrl);
});
afterEach(() => proxy.stop());

const through = (options = {}) => new TalkplatformClient({ baseUrl: proxy.url, ...options });

async function signedIn(email: string, options = {}): Promise<TalkplatformClient> {
  const client = through(options);
  unwrap(await client.signIn(email, world.password));
  return client;
}

/** Somebody new with credit, of whom the world has a few. */
const somebodyRich = () => signedIn(world.rich.pop() ?? "");

async function refusal(
  result: Promise<{ ok: true } | { ok: false; refusal: { code: string } }>,
): Promise<string> {
  const settled = await result;
  return settled.ok ? "taken" : settled.refusal.code;
}

describe("the walk", () => {
  test("from registration to refund, with a connection cut after the server committed", async () => {
    const email = `${crypto.randomUUID()}@example.com`;
    const newcomer = through();
    const profile = unwrap(
      await newcomer.register({ email, password: world.password, display_name: "Ada" }),
    );
    expect(profile.email).toBe(email);
    unwrap(await newcomer.signIn(email, world.password));
    expect(await refusal(newcomer.enrollCourse(world.course))).toBe("insufficient_credit");

    const client = await somebodyRich();
    const courses = unwrap(await client.getCourses({ search: "walk" })).rows;
    const before = unwrap(await client.getWallet());
    const course = unwrap(await client.getCourse(courses[0]?.id ?? ""));
    expect(course.price_now).toBe("80.00");

    proxy.next("cut after");
    const bought = await client.enrollCourse(course.id, { expectedPrice: course.price_now ?? "" });
    if (!bought.ok) throw new Error(bought.refusal.message);
    expect(bought.replayed).toBe(true);
    const during = unwrap(await client.getWallet());
    expect(Number(before.credit_balance) - Number(during.credit_balance)).toBe(80);
    expect(during.held).toBe("80.00");

    const mine = unwrap(await client.getMyEnrollments()).rows;
    expect(mine.map(({ id }) => id)).toEqual([bought.data.id]);
    const access = unwrap(await client.checkSessionAccess(course.sessions[0]?.id ?? ""));
    expect(access).toMatchObject({ hasAccess: true, reason: "enrolled" });

    const preview = unwrap(await client.previewEnrollmentCancellation(bought.data.id));
    const expectedRefund = preview.refund_amount;
    const given = { reason: "Ill", expectedRefund };
    const back = unwrap(await client.cancelEnrollment(bought.data.id, given));
    expect(back.refund_amount).toBe(preview.refund_amount);
    expect(unwrap(await client.getWallet())).toEqual(before);
    await client.signOut();
    expect(await refusal(client.getWallet())).toBe("not_authenticated");
  });

  test("what somebody was told is read and acknowledged", async () => {
    const client = await signedIn(world.moved.student);
    const unread = unwrap(await client.getNotices({ unread: true })).rows;
    const moved = unread.find(({ kind }) => kind === "session_moved");
    expect(moved).toMatchObject({ session_id: world.moved.session, must_acknowledge: true });
    const read = unwrap(await client.readNotice(moved?.id ?? ""));
    expect(read).toMatchObject({ text: moved?.text, acknowledged_at: null });
    const known = unwrap(await client.acknowledgeNotice(read.id));
    expect(known.acknowledged_at).not.toBeNull();
    expect(known.read_at).toBe(read.read_at);
    expect(unwrap(await client.getNotices({ unread: true })).rows.length).toBe(unread.length - 1);
    expect(await refusal(client.readNotice(world.course))).toBe("not_found");
  });

  test("single sessions are bought and cancelled", async () => {
    const client = await somebodyRich();
    const bought = unwrap(await client.purchaseSession(world.sessions[0] ?? ""));
    expect(unwrap(await client.getMySessionPurchases()).rows[0]?.id).toBe(bought.id);
    const preview = unwrap(await client.previewSessionCancellation(bought.id));
    expect(preview).toMatchObject({ allowed: true, refund_amount: bought.price_paid });
    const back = unwrap(await client.cancelSessionPurchase(bought.id));
    expect(back.refund_amount).toBe(bought.price_paid);
  });
});

describe("an intent", () => {
  test.each(["cut before", "cut after", "unavailable", "stall"] as const)(
    "buys once when the line is: %s",
    async (fault) => {
      const client = await signedIn(world.rich.pop() ?? "", { timeout: 1500 });
      proxy.next(fault, fault);
      unwrap(await client.purchaseSession(world.sessions[1] ?? ""));
      const calls = proxy.seen.filter(({ url }) => url.endsWith("/purchase"));
      expect(calls.length).toBe(3);
      expect(new Set(calls.map(({ key }) => key)).size).toBe(1);
      expect(unwrap(await client.getMySessionPurchases()).rows.length).toBe(1);
    },
  );

  test("left open by a failure is settled by the same intent", async () => {
    const client = await signedIn(world.rich.pop() ?? "", { tries: 1 });
    const intent = new Intent();
    proxy.next("cut after");
    expect(await refusal(client.enrollCourse(world.course, { intent }))).toBe("unreachable");
    const again = await client.enrollCourse(world.course, { intent });
    expect(again).toMatchObject({ ok: true, replayed: true });
    unwrap(await client.cancelEnrollment(again.ok ? again.data.id : ""));
  });

  test("is for one request alone", async () => {
    const client = await somebodyRich();
    const intent = new Intent();
    unwrap(await client.purchaseSession(world.sessions[2] ?? "", { intent }));
    expect(() => client.purchaseSession(world.sessions[1] ?? "", { intent })).toThrow(/one|for/);
    const dearer = { intent, expectedPrice: "13.00" };
    expect(() => client.purchaseSession(world.sessions[2] ?? "", dearer)).toThrow(/one|for/);
  });
});

describe("tokens", () => {
  const expired = (pair: { access: string; refresh: string } | undefined) => ({
    access: `${pair?.access}x`,
    refresh: pair?.refresh ?? "",
  });

  test("two tabs and many calls that find the token run out refresh it once", async () => {
    const store = memoryStore();
    const one = await signedIn(world.poor, { store });
    const other = through({ store });
    store.set(expired(store.get()));
    const calls = [one, other].flatMap((tab) => [tab.getWallet(), tab.getMe(), tab.getHolds()]);
    expect((await Promise.all(calls)).map(({ ok }) => ok)).toEqual(Array(6).fill(true));
    expect(proxy.seen.filter(({ url }) => url.endsWith("/refresh")).length).toBe(1);
    expect(await refusal(one.getMe())).toBe("taken");
  });

  test("a sign-in that has ended says so once", async () => {
    let ended = 0;
    const store = memoryStore();
    const client = await signedIn(world.poor, { store, onSignedOut: () => (ended += 1) });
    store.set({ access: "no", refresh: "neither" });
    const calls = [client.getMe(), client.getWallet()].map(refusal);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["token_not_valid"]));
    expect(ended).toBe(1);
    expect(client.signedIn).toBe(false);
  });
});

describe("an email address", () => {
  test("is proved by a link, and changed by another", async () => {
    const client = through();
    const email = `tilda${Date.now()}@example.com`;
    const { password } = world;
    unwrap(await client.register({ email, password, display_name: "Tilda" }));
    await client.signIn(email, password);
    expect(unwrap(await client.getMe())).toMatchObject({ email, email_proved: false });
    expect(unwrap(await client.sendEmailLink()).sent_to).toBe(email);
    const other = email.replace(".com", ".org");
    expect(unwrap(await client.changeEmail(other, password)).sent_to).toBe(other);
    expect(unwrap(await client.getMe())).toMatchObject({ email, new_email: other });
    expect(await refusal(client.changeEmail(other, "wrong guess"))).toBe("wrong_password");
  });
});

describe("lists", () => {
  test("go on page after page", async () => {
    const client = await signedIn(world.moved.student);
    const kinds: string[] = [];
    for await (const row of each((page) => client.getTransfers(page), { limit: 1 })) {
      kinds.push(row.kind);
    }
    expect(kinds.sort()).toEqual(["grant", "hold"]);
    expect(proxy.seen.filter(({ url }) => url.includes("/transfers")).length).toBe(2);
  });

  test("that are refused throw", async () => {
    const rows = each((page) => through().getMyEnrollments(page));
    await expect(rows.next()).rejects.toMatchObject({ refusal: { code: "not_authenticated" } });
  });
});

describe("earnings", () => {
  test("are asked for once, taken back, and never more than there is", async () => {
    const client = await signedIn(world.earner);
    const earned = unwrap(await client.getEarnings({ limit: 1 }));
    expect(earned).toMatchObject({ available: "70.00", released: "70.00" });
    expect(earned.sessions.length).toBe(1);
    const password = world.password;
    const request = { amount: "50.00", payout_details: "Ada Lovelace, DE89 3704", password };

    proxy.next("cut after");
    const asked = unwrap(await client.requestWithdrawal(request));
    expect(asked.status).toBe("requested");
    expect(asked.payout_details).not.toContain("DE89");
    expect(unwrap(await client.getWithdrawals()).rows.map(({ id }) => id)).toEqual([asked.id]);
    expect(unwrap(await client.getEarnings()).withdrawing).toBe("50.00");

    expect(await refusal(client.requestWithdrawal(request))).toBe("insufficient_balance");
    expect(await refusal(client.requestWithdrawal({ ...request, amount: "9.99" }))).toBe(
      "below_minimum",
    );
    expect(await refusal(client.requestWithdrawal({ ...request, amount: "1e1" }))).toBe(
      "invalid_amount",
    );
    expect(await refusal(client.requestWithdrawal({ ...request, password: "no" }))).toBe(
      "wrong_password",
    );
    expect(unwrap(await client.cancelWithdrawal(asked.id)).status).toBe("cancelled");
    expect(await refusal(client.cancelWithdrawal(asked.id))).toBe("withdrawal_decided");
    expect(unwrap(await client.getEarnings()).available).toBe("70.00");
  });
});

describe("top-ups", () => {
  test("are asked for once, though the answer is lost, and looked at", async () => {
    const client = await signedIn(world.earner);
    const request = { amount: "20.00", method: "rehearsal" } as const;

    proxy.next("cut after");
    const asked = unwrap(await client.requestTopUp(request));
    expect(asked).toMatchObject({ status: "created", amount: "20.00", paid_at: null });
    expect(asked.checkout_url).toContain(asked.id);
    expect(unwrap(await client.getTopUp(asked.id))).toEqual(asked);
    expect(unwrap(await client.getTopUps()).rows).toEqual([asked]);
    expect(await refusal(client.requestRefund({ amount: "5.00" }))).toBe("not_refundable");
    expect(unwrap(await client.getRefunds()).rows).toEqual([]);

    expect(await refusal(client.requestTopUp({ ...request, amount: "4.99" }))).toBe(
      "amount_out_of_range",
    );
  });
});

describe("a refusal has its code", () => {
  const nowhere = "01936f5e-7c3a-7d52-9e0b-6a1f4c2d8e90";

  test("without a sign-in", async () => {
    expect(await refusal(through().getMe())).toBe("not_authenticated");
    expect(await refusal(through().signIn(world.poor, "wrong"))).toBe("invalid_credentials");
    const wrong = { email: "no", password: "12", display_name: "" };
    const result = await through().register(wrong);
    if (result.ok || result.refusal.code !== "invalid_request") throw new Error("it was taken");
    expect(Object.keys(result.refusal.details).sort()).toEqual(["display_name", "email"]);
  });

  test("buying", async () => {
    const client = await somebodyRich();
    expect(await refusal(client.getCourse(nowhere))).toBe("not_found");
    expect(await refusal(client.enrollCourse(world.soldOut))).toBe("sold_out");
    expect(await refusal(client.enrollCourse(world.unsold))).toBe("not_for_sale");
    expect(await refusal(client.purchaseSession(world.started))).toBe("session_started");
    unwrap(await client.purchaseSession(world.sessions[0] ?? ""));
    expect(await refusal(client.purchaseSession(world.sessions[0] ?? ""))).toBe("already_purchased");
    const enrolled = unwrap(await client.enrollCourse(world.course));
    expect(await refusal(client.enrollCourse(world.course))).toBe("already_enrolled");
    const included = client.purchaseSession(world.sessions[1] ?? "");
    expect(await refusal(included)).toBe("included_in_enrollment");
    unwrap(await client.cancelEnrollment(enrolled.id));
    expect(await refusal(client.cancelEnrollment(enrolled.id))).toBe("already_cancelled");
  });

  test("with what is missing", async () => {
    const result = await (await signedIn(world.poor)).enrollCourse(world.course);
    if (result.ok || result.refusal.code !== "insufficient_credit") throw new Error("it was taken");
    const { required, available, missing } = result.refusal.details;
    expect([required, available, missing]).toEqual(["80.00", "5.00", "75.00"]);
  });

  test("of one's own course", async () => {
    expect(await refusal((await signedIn(world.teacher)).enrollCourse(world.course))).toBe("own_course");
  });

  test("of a price or a refund that is not the one shown", async () => {
    const client = await somebodyRich();
    const [session = ""] = world.sessions;
    const bought = await client.enrollCourse(world.course, { expectedPrice: "79.99" });
    if (bought.ok || bought.refusal.code !== "price_changed") throw new Error("it was taken");
    expect(bought.refusal.details).toEqual({ expected: "79.99", price: "80.00" });
    const cheaper = { expectedPrice: "11.99" };
    expect(await refusal(client.purchaseSession(session, cheaper))).toBe("price_changed");

    const single = unwrap(await client.purchaseSession(session, { expectedPrice: "12.00" }));
    const more = { expectedRefund: "12.01" };
    expect(await refusal(client.cancelSessionPurchase(single.id, more))).toBe("refund_lowered");
    unwrap(await client.cancelSessionPurchase(single.id, { expectedRefund: "12.00" }));
    const enrolled = unwrap(await client.enrollCourse(world.course));
    const left = await client.cancelEnrollment(enrolled.id, { expectedRefund: "80.01" });
    if (left.ok || left.refusal.code !== "refund_lowered") throw new Error("it was cancelled");
    expect(left.refusal.details).toEqual({ expected: "80.01", refund: "80.00" });
    unwrap(await client.cancelEnrollment(enrolled.id));
  });

  test("handing back", async () => {
    const { student, enrollment, session } = world.moved;
    const client = await signedIn(student);
    expect(await refusal(client.handBackSession(enrollment, nowhere))).toBe("not_found");
    const others = unwrap(await client.getCourse(world.moved.course)).sessions;
    const unmoved = others.find(({ id }) => id !== session)?.id ?? "";
    expect(await refusal(client.handBackSession(enrollment, unmoved))).toBe("session_not_moved");
    const { sessions } = unwrap(await client.previewEnrollmentCancellation(enrollment));
    const expectedRefund = sessions.find(({ session_id }) => session_id === session)?.refund ?? "";
    expect(expectedRefund).toBe("50.00");
    const more = { expectedRefund: "50.01" };
    expect(await refusal(client.handBackSession(enrollment, session, more))).toBe("refund_lowered");
    unwrap(await client.handBackSession(enrollment, session, { expectedRefund }));
    expect(await refusal(client.handBackSession(enrollment, session))).toBe("hold_settled");
  });

  test("of the key itself", async () => {
    const client = await somebodyRich();
    const header = { "Idempotency-Key": crypto.randomUUID() };
    const buy = (session_id: string, key: { "Idempotency-Key": string } = header) =>
      client.api.POST("/api/enrollments/sessions/{session_id}/purchase", {
        params: { path: { session_id }, header: key },
      });
    await buy(world.sessions[0] ?? "");
    expect((await buy(world.sessions[1] ?? "")).error?.code).toBe("idempotency_key_reused");
    const long = { "Idempotency-Key": "x".repeat(256) };
    expect((await buy(world.sessions[1] ?? "", long)).error?.code).toBe("invalid_idempotency_key");
  });

  test("of guessing, with how long to wait", async () => {
    const email = world.rich.pop() ?? "";
    let result = await through().signIn(email, "a guess");
    for (let guess = 0; guess < 30 && !result.ok; guess += 1) {
      if (result.refusal.code === "throttled") break;
      result = await through().signIn(email, "a guess");
    }
    if (result.ok || result.refusal.code !== "throttled") throw new Error("nobody minds guessing");
    expect(result.refusal.details.retry_after).toBeGreaterThan(0);
  });

  test("where something else answers", async () => {
    const client = new TalkplatformClient({
      baseUrl: world.baseUrl,
      fetch: async () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
    });
    expect(await refusal(client.getWallet())).toBe("unexpected");
  });
});
