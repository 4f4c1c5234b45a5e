"""List every request of the key's account, a page at a time.

    python pager.py [STATUS]      pending, claimed, completed, timeout or cancelled; all of them when left out
"""

import os
import sys

import requests

URL = os.environ.get("HITL_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("HITL_API_KEY") or sys.exit("HITL_API_KEY is not set")
PAGE = 100


def every_request(status):
    """Yield the requests, oldest first, so that new ones come at the end and shift no page."""
    offset = 0
    while True:
        response = requests.get(
            f"{URL}/v1/api/requests",
            params={"status": status, "limit": PAGE, "offset": offset, "sort": "created_at_asc"},
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=30,
        )
        body = response.json()
        if response.status_code != 200:
            sys.exit(f"Listing failed ({response.status_code}): {body['msg']}")
        yield from body["data"]["requests"]
        if not body["data"]["has_more"]:
            return
        offset += PAGE


def main():
    status = sys.argv[1] if len(sys.argv) > 1 else None
    count = 0
    for request in every_request(status):
        count += 1
        print(f"{request['id']}  {request['status']:<9}  {request['priority']:<8}  {request['request_text'][:60]}")
    print(f"{count} requests")


if __name__ == "__main__":
    try:
        main()
    except requests.RequestException as error:
        sys.exit(f"No usable answer from {URL}: {error}")
