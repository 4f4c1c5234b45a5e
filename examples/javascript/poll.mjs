// Waits for the answer to a request by looking every five seconds, the way workflow tools do, and prints it as JSON.
//
//     node poll.mjs REQUEST_ID [FALLBACK]
//
// FALLBACK is the answer to go on with when nobody gave one. HITL_POLL_SECONDS overrides the interval.

import { setTimeout as sleep } from "node:timers/promises";

const url = process.env.HITL_URL ?? "http://127.0.0.1:8080";
const key = process.env.HITL_API_KEY;
const interval = Number(process.env.HITL_POLL_SECONDS ?? 5) * 1000;
const [requestId, fallback = "no answer"] = process.argv.slice(2);

/** The `data` of the request, or `null` when the key's limit says to come back later. */
async function look() {
  const response = await fetch(`${url}/v1/api/requests/${requestId}`, {
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
  });
  const body = await response.json();
  if (response.status === 429) {
    await sleep(Number(response.headers.get("Retry-After") ?? 60) * 1000);
    return null;
  }
  if (body.error === true) throw new Error(`Reading the request failed (${response.status}): ${body.msg}`);
  return body.data;
}

async function main() {
  if (!key) throw new Error("HITL_API_KEY is not set");
  if (!requestId) throw new Error("usage: poll.mjs REQUEST_ID [FALLBACK]");

  for (;;) {
    const data = await look();
    const status = data?.request.status || data?.status;
    if (data && status !== "pending" && status !== "claimed") {
      const answer = data.request.response_data || data.response_data || fallback;
      console.log(JSON.stringify({ status, answer, by: data.request.response_by_user?.name ?? null }));
      return;
    }
    await sleep(interval);
  }
}

main().catch((error) => {
  console.error(error.cause ? `No usable answer from ${url}: ${error.cause.message || error.cause.code}` : error.message);
  process.exitCode = 1;
});
