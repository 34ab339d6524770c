Feature: Anthropic's Messages API

  A program that speaks Anthropic's API changes its base URL, and its messages are tasks.

  @B-ANT-001
  Scenario: A message is answered, as a task
    Given a vLLM engine with 4 slots is bound
    When I send a message
    Then I receive 200 OK
    And it is a message of one text that ended by "max_tokens", with its usage
    And "/v2/tasks" shows it as a task of the operation "chat", with its output

  @B-ANT-002
  Scenario: A message is streamed
    Given a vLLM engine with 4 slots is bound
    When I send a message with {"stream": true}
    Then I receive 200 OK
    And Content-Type is text/event-stream
    And its events are message_start, content_block_start, content_block_delta, content_block_stop, message_delta, message_stop

  @B-ANT-002
  Scenario: A stream begins with the tokens of the prompt, and they are not told twice
    Given a vLLM engine that takes 3000 ms for a prompt is bound
    When I send a message with {"stream": true}
    Then message_start has the input tokens that message_delta has

  @B-ANT-004
  Scenario: Betas that nobody knows here are no fault
    Given a vLLM engine with 4 slots is bound
    And a client request with anthropic-beta "fine-grained-tool-streaming-2025-05-14,some-other-1999-01-01"
    When I send a message with {"system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]}
    Then I receive 200 OK

  @B-ANT-002
  Scenario: Thoughts and calls are blocks of their own, one after the other
    Given a vLLM engine that thinks is bound
    When I send a message with {"stream": true, "max_tokens": 400, "tool_choice": {"type": "any"}, "tools": [{"name": "a", "input_schema": {"type": "object"}}, {"name": "b", "input_schema": {"type": "object"}}]}
    Then its blocks are thinking, tool_use, tool_use
    And each block stops before the next one starts
    And it ended by "tool_use"

  @B-ANT-003
  Scenario: What a conversation holds reaches the engine as a chat
    Given a vLLM engine with 4 slots is bound
    When I send a message after tools have answered
    Then I receive 200 OK
    And the engine has had a system prompt, a call and its answer

  @B-ANT-004
  Scenario Outline: What is not done here is refused by name
    Given a vLLM engine with 4 slots is bound
    When I send a message with <more>
    Then the answer is Anthropic's error 400 "invalid_request_error", about "<field>"

    Examples:
      | more                                                                   | field              |
      | {"max_tokens": 0}                                                      | max_tokens         |
      | {"messages": []}                                                       | messages           |
      | {"messages": [{"role": "user", "content": [{"type": "video"}]}]}       | messages.0.content.0.type |
      | {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}     | tools.0.type       |
      | {"container": "c"}                                                     | container          |
      | {"mcp_servers": [{"name": "x"}]}                                       | mcp_servers        |
      | {"thinking": {"type": "much"}}                                         | thinking.type      |

  @B-ANT-004
  Scenario: A version that nobody knows is refused by name
    Given a client request with anthropic-version "2019-01-01"
    When I send a message
    Then the answer is Anthropic's error 400 "invalid_request_error", about "anthropic-version"

  @B-ANT-001
  Scenario Outline: A message by each version that clients name
    Given a vLLM engine with 4 slots is bound
    And a client request with anthropic-version "<version>"
    When I send a message
    Then I receive 200 OK
    And it is a message of one text that ended by "max_tokens", with its usage

    Examples:
      | version    |
      | 2023-01-01 |
      | 2023-06-01 |
      | 2026-10-21 |

  @B-ANT-005
  Scenario: A wrong key, and a model that nobody has
    Given a vLLM engine with 4 slots is bound
    When I send a message with {"model": "nobody-has-it"}
    Then the answer is Anthropic's error 404 "not_found_error", about "nobody-has-it"
    And a client is told "not" to try again

  @B-ANT-005
  Scenario: A full queue is overload, and says when to come back
    Given the setting ORCHD_ADMISSION_CAPACITY is "1"
    And a slow vLLM engine with 1 slot is bound
    And the only slot is taken by a task "t-1"
    And a task "t-2" has been enqueued
    When I send a message
    Then the answer is Anthropic's error 529 "overloaded_error", about "queue is full"
    And the Retry-After header is present

  @B-ANT-005
  Scenario: An error after output is an event, and the last one
    Given a vLLM engine with 4 slots is bound
    And it fails with "kill-after=2"
    When I send a message with {"stream": true}
    Then its last event is an error

  @B-ANT-006
  Scenario: A long prompt is waited for with pings
    Given the setting ORCHD_FIRST_BYTE_MS is "100"
    And the setting ORCHD_SSE_HEARTBEAT_MS is "200"
    And a vLLM engine that takes 1000 ms for a prompt is bound
    When I send a message with {"stream": true}
    Then while it waits there are pings, after message_start

  @B-ANT-007
  Scenario: Tokens are counted by the engine's tokenizer
    Given a vLLM engine with 4 slots is bound
    When I count the tokens of a message
    Then I receive 200 OK
    And it has some input tokens, and nothing was run

  @B-ANT-007
  Scenario: Tokens that no tokenizer can count are refused
    Given an Ollama engine is bound
    When I count the tokens of a message
    Then the answer is Anthropic's error 501 "api_error", about "tokenizer"

  @B-ANT-007
  Scenario: Tokens that no tokenizer can count are estimated where that is wanted, and said to be
    Given the setting ORCHD_TOKEN_ESTIMATES is "on"
    And an Ollama engine is bound
    When I count the tokens of a message
    Then I receive 200 OK
    And it says that it was estimated
