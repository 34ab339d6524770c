Feature: Ollama's API

  Programs that know no other API are served by the same engines.

  @B-OLL-001
  Scenario: A chat is answered in lines of JSON, as a task
    Given a vLLM engine with 4 slots is bound
    When I ask Ollama's "chat" for {"messages": [{"role": "user", "content": "Hello"}], "options": {"num_predict": 4, "num_ctx": 2048}}
    Then I receive 200 OK
    And Content-Type is application/x-ndjson
    And its lines say 4 pieces of a "message", and the last one that it is done for "length"

  @B-OLL-001
  Scenario: A prompt is gone on from, at once
    Given a vLLM engine with 4 slots is bound
    When I ask Ollama's "generate" for {"prompt": "Hello", "stream": false, "options": {"num_predict": 4}}
    Then I receive 200 OK
    And it is one "response", done for "length", of 4 tokens

  @B-OLL-001
  Scenario: Tools are called
    Given a vLLM engine with 4 slots is bound
    When I ask Ollama's "chat" for {"stream": false, "messages": [{"role": "user", "content": "Hello"}], "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]}
    Then I receive 200 OK
    And it calls "look"

  @B-OLL-002
  Scenario: Texts are embedded
    Given a vLLM engine that serves embeddings is bound
    When I ask Ollama's "embed" for {"input": ["a", "b"]}
    Then I receive 200 OK
    And there are 2 embeddings of numbers

  @B-OLL-003
  Scenario: Models are listed and looked up, with their tag too
    Given a vLLM engine with 4 slots is bound
    When I ask Ollama's "show" for {"model": "some-model:latest"}
    Then I receive 200 OK
    And "some-model" is among the models of "/api/tags", and there is a version

  @B-OLL-003
  Scenario: Only what is in memory is listed as that
    Given a router engine with the models "tiny-a, tiny-b" is bound to pool "default"
    And the pool has loaded "tiny-b"
    Then pool "default" soon shows "tiny-b" as loaded
    And of the models of "/api/tags" only "tiny-b" is told by "/api/ps", until it is let go

  @B-OLL-004
  Scenario Outline: What is not done here is refused
    Given a vLLM engine with 4 slots is bound
    When I ask Ollama's "<route>" for <body>
    Then the answer is Ollama's error <status>, about "<about>"

    Examples:
      | route    | body                                     | status | about          |
      | pull     | {}                                       | 501    | pull           |
      | create   | {}                                       | 501    | create         |
      | chat     | {"messages": [{"role": "judge"}]}        | 400    | messages.0.role |
      | generate | {"prompt": "x", "template": "y"}         | 400    | template       |
      | chat     | {"model": "nobody", "messages": [{"role": "user", "content": "x"}]} | 404 | nobody |

  @B-OLL-004
  Scenario: An error after output is the last line
    Given a vLLM engine with 4 slots is bound
    And it fails with "kill-after=2"
    When I ask Ollama's "chat" for {"messages": [{"role": "user", "content": "Hello"}]}
    Then its last line is an error
