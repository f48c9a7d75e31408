// The check on a page of its own, any day.
import { Check } from "./check.js";

const check = new Check();
check.begin();
addEventListener("pagehide", () => check.end());
