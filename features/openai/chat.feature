Feature: OpenAI's API

  A program that speaks OpenAI's API changes its base URL, and its requests are tasks.

  @B-V1-001
  Scenario: A chat is answered, as a task
    Given a vLLM engine with 4 slots is bound
    When I ask for a chat
    Then I receive 200 OK
    And the answer says where it ran, under which id, and how long it took
    And "/v2/tasks" shows it as a task of the operation "chat", with its output

  @B-V1-002 @B-V1-003
  Scenario: A chat is streamed
    Given a vLLM engine with 4 slots is bound
    When I ask for a chat with {"stream": true}
    Then I receive 200 OK
    And Content-Type is text/event-stream
    And its chunks are the role, the text, the reason "length" and the sentinel
    And all chunks have one id, one time and the model that was asked for
    And no chunk tells usage

  @B-V1-003
  Scenario: Usage is told where it is asked for
    Given a vLLM engine with 4 slots is bound
    When I ask for a chat with {"stream": true, "stream_options": {"include_usage": true}}
    Then only the last chunk tells usage, of 4 tokens

  @B-V1-004
  Scenario: Several choices are streamed side by side
    Given a vLLM engine with 4 slots is bound
    When I ask for a chat with {"stream": true, "n": 3}
    Then each of 3 choices has a role, text and a reason of its own

  @B-V1-005
  Scenario Outline: An error has the form that clients of the API know
    Given a vLLM engine with 4 slots is bound
    When I ask for a chat with <body>
    Then the answer is an error <status> of type "invalid_request_error", with the code "<code>"
    And its parameter at fault is "<param>"
    And a client is told "not" to try again

    Examples:
      | body                                           | status | code            | param              |
      | {"model": "nobody-has-it"}                     | 404    | model_not_found | model              |
      | {"messages": []}                               | 400    | invalid_params  | messages           |
      | {"web_search_options": {}, "stream": true}     | 400    | invalid_params  | web_search_options |
      | {"max_tokens": 0}                              | 400    | invalid_params  | max_tokens         |

  @B-V1-005
  Scenario: What never reaches a route has that form too
    When I send GET to /v1/nothing
    Then the answer is an error 404 of type "invalid_request_error", with the code "route_not_found"

  @B-V1-006
  Scenario: A model that is known and has no live engine is unavailable for now
    Given a vLLM engine with 4 slots is bound
    And the engine has stopped
    When I ask for a chat
    Then the answer is an error 503 of type "server_error", with the code "pool_unavailable"
    And the Retry-After header is present

  @B-V1-007
  Scenario: What the engine refuses has its status, streamed or not
    Given a vLLM engine with 4 slots is bound
    And it fails with "400"
    When I ask for a chat with {"stream": true}
    Then the answer is an error 400 of type "invalid_request_error", with the code "invalid_params"

  @B-V1-007
  Scenario: An error after output is a frame, and the last one
    Given a vLLM engine with 4 slots is bound
    And it fails with "kill-after=2"
    When I ask for a chat with {"stream": true}
    Then I receive 200 OK
    And its last frame is an error with the code "worker_reset"

  @B-V1-007
  Scenario: An error after the head is a frame, though there was no output
    Given the setting ORCHD_FIRST_BYTE_MS is "50"
    And a vLLM engine that takes 5000 ms for a prompt is bound
    And a client request with X-Orchd-Deadline-Ms "2000"
    When I ask for a chat with {"stream": true}
    Then I receive 200 OK
    And its last frame is an error with the code "decode_timeout"

  @B-V1-007
  Scenario: A long prompt is waited for with chunks that say nothing
    Given the setting ORCHD_FIRST_BYTE_MS is "100"
    And the setting ORCHD_SSE_HEARTBEAT_MS is "200"
    And a vLLM engine that takes 3000 ms for a prompt is bound
    When I ask for a chat with {"stream": true}
    Then while it waits the chunks say nothing, after the role

  @B-V1-008
  Scenario Outline: A reader that leaves ends the engine's work
    Given a slow vLLM engine with 1 slot is bound
    When a client asks for a <kind>, and leaves when the engine is at work on it
    Then the engine works for nobody
    And 1 task ended as cancelled

    Examples:
      | kind          |
      | chat          |
      | streamed chat |

  @B-V1-008
  Scenario Outline: A reader that leaves gives up its place
    Given a slow vLLM engine with 1 slot is bound
    And the only slot is taken by a task "t-1"
    When a client asks for a <kind>, and leaves when it is queued
    Then no task is queued
    And 1 task ended as cancelled

    Examples:
      | kind          |
      | chat          |
      | streamed chat |

  @B-V1-009
  Scenario: A full queue says when to come back
    Given the setting ORCHD_ADMISSION_CAPACITY is "1"
    And a slow vLLM engine with 1 slot is bound
    And the only slot is taken by a task "t-1"
    And a task "t-2" has been enqueued
    When I ask for a chat
    Then the answer is an error 429 of type "rate_limit_error", with the code "rate_limit_exceeded"
    And the Retry-After header is present

  @B-V1-010
  Scenario: A key is a bearer token as well
    Given a vLLM engine with 4 slots is bound
    And the key is sent as a bearer token
    When I ask for a chat
    Then I receive 200 OK

  @B-V1-010
  Scenario: A wrong key is refused as the API does it
    Given a client request with X-API-Key "nobody's"
    When I ask for a chat
    Then the answer is an error 401 of type "invalid_request_error", with the code "invalid_api_key"

  @B-V1-011
  Scenario Outline: What a task says of itself is said in headers
    Given a vLLM engine with 4 slots is bound
    And a client request with <header> "<value>"
    When I ask for a chat
    Then the answer is an error 400 of type "invalid_request_error", with the code "invalid_params"
    And its parameter at fault is "<header>"

    Examples:
      | header              | value      |
      | X-Orchd-Priority    | urgent     |
      | X-Orchd-Session     | two words  |
      | X-Orchd-Pool        | two words  |
      | X-Orchd-Deadline-Ms | soon       |

  @B-V1-012
  Scenario: Models are listed and looked up
    Given a vLLM engine with 4 slots is bound
    When I send GET to /v1/models
    Then the models are "some-model"
    When I send GET to /v1/models/some-model
    Then I receive 200 OK
    When I send GET to /v1/models/nobody/has-it
    Then the answer is an error 404 of type "invalid_request_error", with the code "model_not_found"

  @B-V1-013
  Scenario: Several prompts are completed in one task
    Given a vLLM engine with 4 slots is bound
    When I ask /v1/completions for {"prompt": ["a", "b"], "max_tokens": 3}
    Then the answer has 2 completions of 6 tokens
    When I ask /v1/completions for {"prompt": "a", "max_tokens": 3, "stream": true}
    Then all chunks have one id, one time and the model that was asked for

  @B-V1-013
  Scenario: Texts are embedded
    Given a vLLM engine that serves embeddings is bound
    When I ask /v1/embeddings for {"input": ["a", "b"]}
    Then the answer has 2 embeddings in numbers
    When I ask /v1/embeddings for {"input": "a", "encoding_format": "base64"}
    Then the answer has 1 embedding in base64

  @B-V1-013
  Scenario: Documents are ranked
    Given a vLLM engine that serves rerank is bound
    When I ask /rerank for {"query": "a", "documents": ["a", "b"]}
    Then the answer ranks 2 documents
    When I ask /v1/rerank for {"query": "a", "documents": ["a", "b"], "top_n": 1}
    Then the answer ranks 1 document

  @B-V1-014
  Scenario: What no engine can do is refused with what they can
    Given a vLLM engine with 4 slots is bound
    When I ask /v1/embeddings for {"input": "a"}
    Then the answer is an error 400 of type "invalid_request_error", with the code "invalid_params"
