// Asks the people of a loop for an approval and prints the id of the request.
//
//     node create_request.mjs LOOP_ID [TEXT]

import axios from "axios";

const url = process.env.HITL_URL ?? "http://127.0.0.1:8080";
const key = process.env.HITL_API_KEY;
const [loopId, text = "Please look at this post:\n\n> Our new office opens on **Monday**."] = process.argv.slice(2);

async function createRequest() {
  const response = await axios.post(
    `${url}/v1/api/loops/${loopId}/requests`,
    {
      processing_type: "time-sensitive",
      type: "markdown",
      priority: "high",
      request_text: text,
      timeout_seconds: 3600,
      response_type: "single_select",
      response_config: {
        options: [
          { value: "approve", label: "Approve" },
          { value: "reject", label: "Reject" },
        ],
        required: true,
      },
      platform: "api",
    },
    { headers: { Authorization: `Bearer ${key}` }, timeout: 30_000 },
  );
  return response.data.data.id;
}

function explain(error) {
  if (!error.response) return error.message || `No usable answer from ${url}: ${error.code}`;
  const { msg, data } = error.response.data;
  const detail = typeof data === "string" ? `: ${data}` : "";
  return `The request was not created (${error.response.status}): ${msg}${detail}`;
}

try {
  if (!key) throw new Error("HITL_API_KEY is not set");
  if (!loopId) throw new Error("usage: create_request.mjs LOOP_ID [TEXT]");
  console.log(await createRequest());
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
