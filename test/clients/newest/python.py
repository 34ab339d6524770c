"""PyPI's openai and langchain-openai against the service, as main.ts has started it: one line for each case."""

import asyncio

import openai
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from cases import API_KEY, BASE_URL, CITY, MESSAGES, run

client = openai.OpenAI(base_url=BASE_URL, api_key=API_KEY, max_retries=0)


class Person(BaseModel):
    name: str
    age: int


def tool(name):
    return {"type": "function", "function": {"name": name, "parameters": CITY}}


TOOLS = [tool("weather"), tool("news")]


def ask(wire, **more):
    wanted = {"model": f"writer-{wire}", "messages": MESSAGES, "max_tokens": 5, **more}
    return client.chat.completions.create(**wanted)


def chat(wire):
    answer = ask(wire)
    assert answer.usage.completion_tokens == 5 and answer.choices[0].finish_reason == "length"
    assert answer._request_id


def streamed(wire):
    chunks = list(ask(wire, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].usage.completion_tokens == 5 and chunks[-1].choices == []
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert all(chunk.usage is None for chunk in ask(wire, stream=True))


def tools_called(wire):
    # llama.cpp calls one at a time unless it is asked for more.
    at_once = {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": True, "max_tokens": 400}
    whole = ask(wire, **at_once).choices[0]
    with client.chat.completions.stream(model=f"writer-{wire}", messages=MESSAGES, **at_once) as stream:
        put_together = stream.get_final_completion().choices[0]
    for choice in (whole, put_together):
        assert choice.finish_reason == "tool_calls"
        assert [call.function.name for call in choice.message.tool_calls] == ["weather", "news"]


def structured(wire):
    answer = client.chat.completions.parse(
        model=f"writer-{wire}", messages=MESSAGES, max_tokens=1000, response_format=Person
    )
    assert isinstance(answer.choices[0].message.parsed, Person)


def choices_and_logprobs(wire):
    answer = ask(wire, n=2, logprobs=True)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(len(choice.logprobs.content) == 5 for choice in answer.choices)


def left(wire):
    """Who stops reading closes the stream, and the engine's request ends."""
    stream = ask(wire, stream=True, max_tokens=3000)
    next(iter(stream))
    stream.close()


def asynchronous(wire):
    async def run():
        async with openai.AsyncOpenAI(base_url=BASE_URL, api_key=API_KEY, max_retries=0) as each:
            stream = await each.chat.completions.create(
                model=f"writer-{wire}", messages=MESSAGES, max_tokens=5, stream=True
            )
            return [chunk async for chunk in stream]

    assert asyncio.run(run())[-1].choices[0].finish_reason == "length"


def embeddings(wire):
    model, texts = f"embedder-{wire}", ["a", "b"]
    by_itself = client.embeddings.create(model=model, input=texts)
    as_numbers = client.embeddings.create(model=model, input=texts, encoding_format="float")
    for one, other in zip(by_itself.data, as_numbers.data, strict=True):
        assert len(one.embedding) == len(other.embedding)
        assert all(abs(a - b) < 1e-5 for a, b in zip(one.embedding, other.embedding))


def errors(_wire):
    for model, kind in (("nobody", openai.NotFoundError), ("gone", openai.InternalServerError)):
        try:
            client.chat.completions.create(model=model, messages=MESSAGES)
            raise AssertionError(f"{model} was answered")
        except kind:
            pass


def langchain_model(wire, **more):
    return ChatOpenAI(
        model=f"writer-{wire}", base_url=BASE_URL, api_key=API_KEY, max_tokens=5, max_retries=0, **more
    )


def langchain(wire):
    answer = langchain_model(wire).invoke("Hello")
    assert answer.usage_metadata["output_tokens"] == 5
    chunks = list(langchain_model(wire, stream_usage=True).stream("Hello"))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert whole.text and whole.usage_metadata["output_tokens"] == 5


def langchain_tools(wire):
    model = ChatOpenAI(model=f"writer-{wire}", base_url=BASE_URL, api_key=API_KEY, max_tokens=400)
    answer = model.bind_tools(TOOLS, tool_choice="required", parallel_tool_calls=True).invoke("Hello")
    assert [call["name"] for call in answer.tool_calls] == ["weather", "news"]
    person = ChatOpenAI(model=f"writer-{wire}", base_url=BASE_URL, api_key=API_KEY, max_tokens=1000)
    assert isinstance(person.with_structured_output(Person).invoke("Hello"), Person)


def langchain_embeddings(wire):
    model = OpenAIEmbeddings(
        model=f"embedder-{wire}", base_url=BASE_URL, api_key=API_KEY, check_embedding_ctx_length=False
    )
    assert len(model.embed_documents(["a", "b"])) == 2


CASES = {
    "a chat": chat,
    "a chat, streamed, usage on and off": streamed,
    "parallel tools, whole and streamed": tools_called,
    "structured output": structured,
    "several choices and logprobs": choices_and_logprobs,
    "a reader that stops": left,
    "a chat of the asynchronous client": asynchronous,
    "embeddings, base64 and float": embeddings,
    "classes of errors": errors,
    "langchain-openai: a chat, whole and streamed": langchain,
    "langchain-openai: tools and structured output": langchain_tools,
    "langchain-openai: embeddings": langchain_embeddings,
}

run(CASES)
