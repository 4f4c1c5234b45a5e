"""Create a loop and print how people join it.

    python create_loop.py [NAME] [DESCRIPTION]
"""

import os
import sys

import requests

URL = os.environ.get("HITL_URL", "http://127.0.0.1:8080")
KEY = os.environ.get("HITL_API_KEY") or sys.exit("HITL_API_KEY is not set")


def main():
    arguments = dict(enumerate(sys.argv))
    loop = {
        "name": arguments.get(1, "Content review"),
        "description": arguments.get(2, "A person looks at it before it goes out"),
    }
    response = requests.post(
        f"{URL}/v1/api/loops", json=loop, headers={"Authorization": f"Bearer {KEY}"}, timeout=30
    )
    # 200, not 201: that is what the API answers to a loop without an icon.
    if response.status_code == 200:
        loop_data = response.json()
        print(f"Loop:   {loop_data['data']['id']}")
        print(f"Invite: {loop_data['data']['invite_code']}")
        print(f"Join:   {loop_data['data']['join_url']}")
    else:
        sys.exit(f"The loop was not created ({response.status_code}): {response.json()['msg']}")


if __name__ == "__main__":
    try:
        main()
    except requests.RequestException as error:
        sys.exit(f"No usable answer from {URL}: {error}")
