"""PyPI's openai (responses, files, batches), anthropic and ollama against the service: one line for each case."""

import json

import anthropic
import ollama
import openai
from pydantic import BaseModel

from cases import API_KEY, BASE_URL, CITY, MESSAGES, ROOT, run, until

client = openai.OpenAI(base_url=BASE_URL, api_key=API_KEY, max_retries=0)
claude = anthropic.Anthropic(base_url=ROOT, api_key=API_KEY, max_retries=0)
llama = ollama.Client(host=ROOT, headers={"Authorization": f"Bearer {API_KEY}"})


class Person(BaseModel):
    name: str
    age: int


def ask(wire, **more):
    return {"model": f"writer-{wire}", "input": "Hello", "max_output_tokens": 20, **more}


def responses(wire):
    first = client.responses.create(**ask(wire))
    assert first.output_text and first.usage.output_tokens == 20
    second = client.responses.create(**ask(wire, previous_response_id=first.id))
    items = list(client.responses.input_items.list(second.id, order="asc"))
    assert [item.role for item in items] == ["user", "assistant", "user"]
    # Its helper wants a response that ended by itself.
    with client.responses.stream(model=f"writer-{wire}", input="Hello") as stream:
        numbers = [event.sequence_number for event in stream]
        assert numbers == list(range(len(numbers)))
        assert stream.get_final_response().output_text
    client.responses.delete(first.id)


def background(wire):
    stream = client.responses.create(**ask(wire, background=True, stream=True))
    before = []
    for event in stream:
        before.append(event)
        if event.sequence_number == 9:
            break
    stream.close()
    response_id = before[0].response.id
    rest = list(client.responses.retrieve(response_id, stream=True, starting_after=9))
    whole = list(client.responses.retrieve(response_id, stream=True))
    assert before + rest == whole
    assert client.responses.retrieve(response_id).status == "incomplete"
    long = client.responses.create(**ask(wire, background=True, max_output_tokens=3000))
    assert client.responses.cancel(long.id).status == "cancelled"


def functions(wire):
    tools = [{"type": "function", "name": "weather", "strict": False, "parameters": CITY}]
    first = client.responses.create(**ask(wire, tools=tools, tool_choice="required", max_output_tokens=400))
    call = first.output[0]
    answer = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    then = client.responses.create(**ask(wire, tools=tools, input=[answer], previous_response_id=first.id))
    assert then.output_text
    parsed = client.responses.parse(
        model=f"writer-{wire}", input="Hello", max_output_tokens=1000, text_format=Person
    )
    assert isinstance(parsed.output_parsed, Person)


def batch(wire):
    body = {"model": f"writer-{wire}", "input": "Hello", "max_output_tokens": 4}
    lines = [
        json.dumps({"custom_id": f"line-{at}", "method": "POST", "url": "/v1/responses", "body": body})
        for at in range(5)
    ]
    file = client.files.create(file=("night.jsonl", "\n".join(lines).encode()), purpose="batch")
    made = client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
    done = until(lambda: client.batches.retrieve(made.id), lambda each: each.status in ("completed", "failed"))
    assert done.request_counts.completed == 5
    results = client.files.content(done.output_file_id).text.strip().splitlines()
    assert {json.loads(line)["custom_id"] for line in results} == {f"line-{at}" for at in range(5)}


def messages(wire):
    wanted = {"model": f"writer-{wire}", "messages": MESSAGES, "max_tokens": 20}
    whole = claude.messages.create(**wanted)
    assert whole.content[0].text and whole.usage.output_tokens == 20 and whole._request_id
    with claude.messages.stream(**wanted) as stream:
        assert "".join(stream.text_stream)
        assert stream.get_final_message().stop_reason == "max_tokens"


def message_tools(wire):
    tools = [{"name": "weather", "description": "The weather of a city", "input_schema": CITY}]
    wanted = {"model": f"writer-{wire}", "max_tokens": 400, "tools": tools}
    first = claude.messages.create(messages=MESSAGES, tool_choice={"type": "any"}, **wanted)
    call = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    talk = [*MESSAGES, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    assert claude.messages.create(messages=talk, **wanted).content[0].text


def message_count(wire):
    if wire != "openai":
        assert claude.messages.count_tokens(model=f"writer-{wire}", messages=MESSAGES).input_tokens > 0


def message_errors(_wire):
    for model, kind in (("nobody", anthropic.NotFoundError), ("gone", anthropic.InternalServerError)):
        try:
            claude.messages.create(model=model, messages=MESSAGES, max_tokens=5)
            raise AssertionError(f"{model} was answered")
        except kind as error:
            assert error.body["type"] == "error"


def ollama_chat(wire):
    wanted = {"model": f"writer-{wire}", "messages": MESSAGES, "options": {"num_predict": 5}}
    assert llama.chat(**wanted).message.content
    parts = list(llama.chat(stream=True, **wanted))
    assert parts[-1].done and parts[-1].eval_count == 5
    assert llama.generate(model=f"writer-{wire}", prompt="Hello", options={"num_predict": 5}).response
    assert len(llama.embed(model=f"embedder-{wire}", input=["a", "b"]).embeddings) == 2


def ollama_rest(_wire):
    assert any(model.model.startswith("writer-vllm") for model in llama.list().models)
    assert llama.show("writer-vllm").details
    try:
        llama.chat(model="nobody", messages=MESSAGES)
        raise AssertionError("nobody was answered")
    except ollama.ResponseError as error:
        assert error.status_code == 404


CASES = {
    "responses: whole, streamed, gone on from, deleted": responses,
    "responses: in the background, read on, cancelled": background,
    "responses: function tools and structured output": functions,
    "files and batches": batch,
    "anthropic: a message, whole and streamed": messages,
    "anthropic: tools and their answers": message_tools,
    "anthropic: count_tokens": message_count,
    "anthropic: classes of errors": message_errors,
    "ollama: chat, generate, embed": ollama_chat,
    "ollama: list, show, errors": ollama_rest,
}

run(CASES)
