"""Ask the people of a loop one question and wait for their answer.

    python quickstart.py LOOP_ID

Uses the short form `POST /v1/requests`, with the loop's id in the body.
"""

import os
import sys
import time

import requests

URL = os.environ.get("HITL_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("HITL_API_KEY") or sys.exit("HITL_API_KEY is not set")
HEADERS = {"Authorization": f"Bearer {KEY}"}
POLL_SECONDS = float(os.environ.get("HITL_POLL_SECONDS", "5"))


def ask(loop_id):
    """Create the request and return its id."""
    response = requests.post(
        f"{URL}/v1/requests",
        json={
            "loop_id": loop_id,
            "request_text": "May this post go out?\n\n> Our new office opens on **Monday**.",
            "response_type": "single_select",
            "response_config": {"options": ["Approve", "Reject"]},
            "default_response": "Reject",
            "timeout_minutes": 60,
            "metadata": {"post": 42},
        },
        headers=HEADERS,
        timeout=30,
    )
    if response.status_code != 201:
        sys.exit(f"The request was not created ({response.status_code}): {response.json()['msg']}")
    request = response.json()["data"]["request"]
    print(f"Request {request['id']} is {request['status']}", flush=True)
    return request["id"]


def wait(request_id):
    """Look every few seconds until the request is over, and return it."""
    while True:
        response = requests.get(f"{URL}/v1/requests/{request_id}", headers=HEADERS, timeout=30)
        if response.status_code == 429:
            time.sleep(int(response.headers.get('Retry-After', 60)))
            continue
        if response.status_code != 200:
            sys.exit(f"Reading the request failed ({response.status_code}): {response.json()['msg']}")
        request = response.json()["data"]["request"]
        if request["status"] not in ("pending", "claimed"):
            return request
        time.sleep(POLL_SECONDS)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: quickstart.py LOOP_ID")
    request = wait(ask(sys.argv[1]))
    if request["status"] == "completed":
        verdict = "goes out" if 'Approve' in request["response_data"] else "stays here"
        print(f"{request['response_by_user']['name']} said {request['response_data']}: the post {verdict}")
    elif request["status"] == "timeout":
        print(f"Nobody answered in time; the default stands: {request['default_response']}")
    else:
        sys.exit(f"The request was {request['status']}")


if __name__ == "__main__":
    try:
        main()
    except requests.RequestException as error:
        sys.exit(f"No usable answer from {URL}: {error}")
