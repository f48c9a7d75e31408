// Served by anything from the folder above, with the server in the address: example/?api=http://localhost:8000
import { browserStore, each, TalkplatformClient } from "../dist/index.js";

const said = document.querySelector("#said");
const list = document.querySelector("#courses");
const form = document.querySelector("#sign-in");

const client = new TalkplatformClient({
  baseUrl: new URLSearchParams(location.search).get("api"),
  store: browserStore(),
  onSignedOut: show,
});

async function show() {
  form.hidden = client.signedIn;
  list.replaceChildren();
  if (!client.signedIn) return;
  for await (const { course, status } of each((page) => client.getMyEnrollments(page))) {
    const row = document.createElement("li");
    row.textContent = `${course.title} with ${course.teacher.display_name}: ${status}`;
    list.append(row);
  }
  const wallet = await client.getWallet();
  said.textContent = wallet.ok ? `$${wallet.data.credit_balance} to spend` : wallet.refusal.message;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(form));
  const result = await client.signIn(email, password);
  if (result.ok) await show();
  else said.textContent = result.refusal.message;
});

await show();
