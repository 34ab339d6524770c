"""What no schema can say: a task cannot be pinned to a pool that it avoids."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    placement = case.body.get("placement") if isinstance(case.body, dict) else None
    if not isinstance(placement, dict):
        return True
    avoided = placement.get("avoid_pools")
    return not isinstance(avoided, list) or placement.get("pin_pool_id") not in avoided
