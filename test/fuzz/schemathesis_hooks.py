"""What no schema says: a task cannot be pinned to a pool that it avoids, nor have `n`, the shortest of the parameters that do not work."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    if not isinstance(case.body, dict):
        return True
    if "n" in case.body:
        return False
    placement = case.body.get("placement")
    if not isinstance(placement, dict):
        return True
    avoided = placement.get("avoid_pools")
    return not isinstance(avoided, list) or placement.get("pin_pool_id") not in avoided


@schemathesis.hook
def map_case(context, case):
    """A wait that is allowed is kept short: it is time, and nothing else."""
    wait = case.query.get("wait") if isinstance(case.query, dict) else None
    if isinstance(wait, int) and 1 < wait <= 600:
        case.query["wait"] = 1
    return case
