// The room's page: waiting, inside, outside. Each part has a module; here they meet.
import { announce } from "./announce.js";
import { stayAwake } from "./awake.js";
import { Call } from "./call.js";
import { Chat } from "./chat.js";
import { Check } from "./check.js";
import { countdown, pause } from "./clock.js";
import { Controls } from "./controls.js";
import { Ending } from "./ending.js";
import { Hands } from "./hands.js";
import { Outside } from "./outside.js";
import { byId, find, write } from "./page.js";
import { Panels } from "./panels.js";
import { peopleIn } from "./people.js";
import { Register } from "./register.js";
import { Roster } from "./roster.js";
import { Server } from "./server.js";
import { listenForShortcuts } from "./shortcuts.js";
import { play } from "./sounds.js";
import { Tiles } from "./tiles.js";
import { Waiting } from "./waiting.js";

const LOOK_SECONDS = 10;
const STAGES = ["waiting", "inside", "outside"];
const STATUS = /** @type {Record<string, string>} */ ({
  joining: "Joining…",
  waiting: "The room can't be reached. Trying again…",
  reconnecting: "Your connection broke. Reconnecting…",
});

const root = byId("room");
const csrf = find(root, "input[name=csrfmiddlewaretoken]", HTMLInputElement).value;
const roster = new Roster(new Server(root.dataset.base ?? "", csrf));
const call = new Call(roster.server);
const check = new Check();
const waiting = new Waiting(roster, enter);
const outside = new Outside(roster, enter);
const tiles = new Tiles();
const hands = new Hands(call, roster, show);
const controls = new Controls(call, roster, hands, tiles);
const zone = root.dataset.timeZone ?? "UTC";
const register = new Register(roster, zone);
const panels = new Panels();
new Chat(call, roster, zone, () => panels.noteMessage());
new Ending(call, roster);

/** @param {string} stage */
function goTo(stage) {
  root.dataset.stage = stage;
  for (const one of STAGES) byId(one).hidden = one !== stage;
}

const STARTING = 1500;

/** Go in with what the check has, or as one was before. */
async function enter() {
  if (root.dataset.stage === "waiting") {
    // Whoever presses at once means to have what is about to start.
    await Promise.race([check.begun, pause(STARTING)]);
    call.wants = check.wants;
  }
  check.end();
  waiting.end();
  goTo("inside");
  byId("session-title").focus();
  roster.every(LOOK_SECONDS);
  stayAwake(true);
  call.join();
}

function show() {
  const { room } = call;
  const people = room ? peopleIn(room, roster, hands.up) : [];
  if (room) {
    tiles.show(people);
    register.show(people);
  }
  play(room, new Set(people.filter(({ known }) => known).map(({ identity }) => identity)));
  controls.show();
}

/**
 * @param {string} type
 * @param {(detail: any) => void} heard
 */
function on(type, heard) {
  call.addEventListener(type, (event) => heard(/** @type {CustomEvent} */ (event).detail));
}

on("change", show);
roster.addEventListener("change", show);
roster.addEventListener("lost", (event) => {
  call.leave(/** @type {CustomEvent} */ (event).detail);
});

let status = "";
on("status", (now) => {
  write(find(byId("connection"), "p"), STATUS[now] ?? "");
  byId("connection").hidden = !STATUS[now];
  if (now === "reconnecting" || now === "waiting") announce(STATUS[now]);
  if (now === "inside") announce(status === "reconnecting" ? "You're connected again." : "You're in the room.");
  status = now;
  if (now === "inside") byId("sound-blocked").hidden = call.room?.canPlaybackAudio ?? true;
});

on("came", async (identity) => {
  if (!roster.find(identity)) await roster.refresh();
  announce(`${roster.find(identity)?.name ?? "A guest"} joined.`);
});
on("went", (identity) => announce(`${roster.find(identity)?.name ?? "A guest"} left.`));
on("out", out);

/** @param {Why} why */
function out(why) {
  stayAwake(false);
  hands.clear();
  show();
  // The teacher's "End for all" comes as a closed room; our server says which it was.
  if (why === "left" || (why === "closed" && roster.until("closes_at") <= 0)) {
    return location.assign(`${root.dataset.base}after/`);
  }
  goTo("outside");
  outside.open(why);
}

setInterval(() => {
  const left = roster.until("closes_at");
  write(byId("time-left"), left > 0 ? `${countdown(left)} left` : "Time is up");
}, 500);

LivekitClient.setLogLevel("silent"); // its errors quote the pass
listenForShortcuts();
goTo("waiting");
check.begin();
waiting.begin();
