"""Call the API and, when the key's hourly limit is used up, wait as long as the server says and try again.

    python retry.py [PATH]      GET PATH (default /v1/test) and print the answer
"""

import json
import os
import sys
import time

import requests

URL = os.environ.get("HITL_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("HITL_API_KEY") or sys.exit("HITL_API_KEY is not set")


def call(method, path, attempts=3, **arguments):
    """Send one request; on 429 sleep for `Retry-After` seconds and send it again, at most `attempts` times in all."""
    headers = {"Authorization": f"Bearer {KEY}"}
    for attempt in range(1, attempts + 1):
        response = requests.request(method, f"{URL}{path}", headers=headers, timeout=30, **arguments)
        if response.status_code != 429 or attempt == attempts:
            return response
        retry_after = int(response.headers.get('Retry-After', 60))
        print(f"Limit reached; waiting {retry_after} s", file=sys.stderr, flush=True)
        time.sleep(retry_after)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "/v1/test"
    response = call("GET", path)
    if response.status_code != 200:
        sys.exit(f"GET {path} failed ({response.status_code}): {response.json()['msg']}")
    print(json.dumps(response.json()["data"], indent=2))


if __name__ == "__main__":
    try:
        main()
    except requests.RequestException as error:
        sys.exit(f"No usable answer from {URL}: {error}")
