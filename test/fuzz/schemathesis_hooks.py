"""What no schema says: a task cannot be pinned to a pool that it avoids, nor have `n`, the shortest of the parameters that do not work; a kind of
engine may not do what is asked; tokens are those of a text or of a chat."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    body = case.body
    if not isinstance(body, dict):
        return True
    if "n" in body:
        return False
    if case.path.endswith("/tokenize") and ("prompt" in body) == ("messages" in body):
        return False
    placement = body.get("placement")
    if not isinstance(placement, dict):
        return True
    avoided = placement.get("avoid_pools")
    return not isinstance(avoided, list) or placement.get("pin_pool_id") not in avoided


@schemathesis.hook
def map_case(context, case):
    """A wait that is allowed is kept short, and a deadline long: they are time, and nothing else. No pool but those there are."""
    wait = case.query.get("wait") if isinstance(case.query, dict) else None
    if isinstance(wait, int) and 1 < wait <= 600:
        case.query["wait"] = 1
    for name in ("X-Orchd-Pool", "X-Orchd-Max-Wait-Ms", "X-Orchd-Deadline-Ms", "X-Orchd-Do-Not-Queue"):
        if case.headers is not None and is_right(name, case.headers.get(name)):
            del case.headers[name]
    if isinstance(case.body, dict) and case.body.get("engine") is not None and ("documents" in case.body or "input" in case.body):
        case.body["engine"] = None
    return case


def is_right(name, value):
    """A wrong one is left as it is: it has to be refused."""
    if value is None:
        return False
    text = str(value)
    if name == "X-Orchd-Pool":
        return text.isalnum() and text.isascii()
    return text in ("true", "false") or (text.isdecimal() and text.isascii() and int(text) <= 31_536_000_000)
