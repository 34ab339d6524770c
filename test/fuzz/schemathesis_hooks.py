"""What no schema says: a task cannot be pinned to a pool that it avoids, nor have `n`, the shortest of the parameters that do not work; a kind of
engine may not do what is asked; tokens are those of a text or of a chat; no member is named `__proto__`;
an engine may refuse an empty prompt."""

import re

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    body = case.body
    if not isinstance(body, dict):
        return True
    if "n" in body or has_prototype(body) or body.get("prompt") == "":
        return False
    if is_name(body.get("engine")) and ("documents" in body or "input" in body):
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
    """A wait that is allowed is kept short, as is an output, and a deadline long: they are time, and nothing else. No pool but those there are, no context that no slot has."""
    wait = case.query.get("wait") if isinstance(case.query, dict) else None
    if isinstance(wait, int) and 1 < wait <= 600:
        case.query["wait"] = 1
    for name in ("X-Orchd-Pool", "X-Orchd-Max-Wait-Ms", "X-Orchd-Deadline-Ms", "X-Orchd-Do-Not-Queue"):
        if case.headers is not None and is_right(name, case.headers.get(name)):
            del case.headers[name]
    if isinstance(case.body, dict):
        if case.body.get("model") in ("tiny.gguf", *MODELS.values()):
            case.body["model"] = MODELS.get(case.path.rsplit("/")[-1], WRITER)
        ctx = case.body.get("ctx")
        if type(ctx) is int and LEAST_CTX < ctx <= 16_777_216:
            case.body["ctx"] = LEAST_CTX
        deadline = case.body.get("deadline_ms")
        if type(deadline) is int and 0 < deadline < LONG_MS:
            case.body["deadline_ms"] = LONG_MS
        for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
            most = case.body.get(name)
            if type(most) is int and MOST_TOKENS < most <= (1_048_576 if case.path == "/v2/tasks" else 16_777_216):
                case.body[name] = MOST_TOKENS
    return case


MOST_TOKENS = 100
LONG_MS = 60_000
# Every slot has as much.
LEAST_CTX = 512
WRITER = "qwen3-32b"
# Which of the models there are can do what a path asks for, by the path's end.
MODELS = {
    "embeddings": "bge-m3",
    "embed": "bge-m3",
    "rerank": "bge-reranker-v2-m3",
    "completions": WRITER,
}


def is_name(engine):
    return isinstance(engine, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", engine) is not None


def has_prototype(value):
    if isinstance(value, dict):
        return "__proto__" in value or any(has_prototype(each) for each in value.values())
    return isinstance(value, list) and any(has_prototype(each) for each in value)


def is_right(name, value):
    """A wrong one is left as it is: it has to be refused."""
    if value is None:
        return False
    text = str(value)
    if name == "X-Orchd-Pool":
        return is_name(text)
    return text in ("true", "false") or (text.isdecimal() and text.isascii() and int(text) <= 31_536_000_000)
