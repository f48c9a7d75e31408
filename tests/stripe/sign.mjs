// Signs what it is given with Stripe's own library for Node: {payload, secret, timestamp}.
import { readFileSync } from "node:fs";
import Stripe from "stripe";

const stripe = new Stripe("sk_test_nobody");
const wanted = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(stripe.webhooks.generateTestHeaderString(wanted));
