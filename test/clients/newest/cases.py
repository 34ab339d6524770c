"""What PyPI's clients share: what main.ts has started, as it tells it, and one line for each case."""

import os
import time
import traceback

BASE_URL, API_KEY = os.environ["BASE_URL"], os.environ["API_KEY"]
ROOT = BASE_URL.removesuffix("/v1")
WIRES = os.environ["WIRES"].split(",")
MESSAGES = [{"role": "user", "content": "Hello"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def until(read, ended):
    while True:
        value = read()
        if ended(value):
            return value
        time.sleep(0.05)


def run(cases):
    """Each case on each engine's API: `ok NAME`, or `not ok NAME: why`."""
    for name, case in cases.items():
        for wire in WIRES:
            try:
                case(wire)
                print(f"ok {name} ({wire})", flush=True)
            except Exception:  # noqa: BLE001 -- whatever it is, it is told, and the next case has its turn
                why = " | ".join(traceback.format_exc().strip().splitlines()[-4:])
                print(f"not ok {name} ({wire}): {why}", flush=True)
