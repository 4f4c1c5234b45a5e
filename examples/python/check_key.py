"""Test an API key: whose it is, how much of its hourly limit is left, and what it may do."""

import os
import sys

import requests

URL = os.environ.get("HITL_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("HITL_API_KEY") or sys.exit("HITL_API_KEY is not set")


def main():
    response = requests.get(f"{URL}/v1/test", headers={"Authorization": f"Bearer {KEY}"}, timeout=30)
    body = response.json()
    if response.status_code != 200:
        sys.exit(f"The key was refused ({response.status_code}): {body['msg']}")

    data = body["data"]
    limit = data["rate_limit"]
    print(f"Key:         {data['api_key_id']}")
    print(f"Account:     {data['email']} ({data['account_status']})")
    print(f"Limit:       {limit['remaining']} of {limit['limit']} left until {limit['reset_at']}")
    print(f"Permissions: {', '.join(data['permissions'])}")


if __name__ == "__main__":
    try:
        main()
    except requests.RequestException as error:
        sys.exit(f"No usable answer from {URL}: {error}")
