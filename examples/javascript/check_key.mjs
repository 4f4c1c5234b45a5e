// Tests an API key: whose it is, how much of its hourly limit is left, and what it may do.
// Needs nothing but Node's own fetch.

const url = process.env.HITL_URL ?? "http://127.0.0.1:8080";
const key = process.env.HITL_API_KEY;

async function main() {
  if (!key) throw new Error("HITL_API_KEY is not set");

  const response = await fetch(`${url}/v1/test`, { headers: { Authorization: `Bearer ${key}` } });
  const body = await response.json();
  if (!response.ok) throw new Error(`The key was refused (${response.status}): ${body.msg}`);

  const { email, account_status, rate_limit, permissions } = body.data;
  console.log(`Account:     ${email} (${account_status})`);
  console.log(`Limit:       ${rate_limit.remaining} of ${rate_limit.limit} left until ${rate_limit.reset_at}`);
  console.log(`Permissions: ${permissions.join(", ")}`);
}

main().catch((error) => {
  console.error(error.cause ? `No usable answer from ${url}: ${error.cause.message || error.cause.code}` : error.message);
  process.exitCode = 1;
});
