Feature: How long a request of OpenAI's API waits

  Who has somewhere else to go says how long it waits here.

  @B-V1-018
  Scenario Outline: What cannot start soon enough is refused as by a full queue
    Given a slow vLLM engine with 1 slot is bound
    And the only slot is taken by a task "t-1"
    And a client request with <header> "<value>"
    When I ask for a chat with {"stream": <stream>}
    Then the answer is an error 429 of type "rate_limit_error", with the code "rate_limit_exceeded"
    And the Retry-After header is present
    And no task is queued

    Examples:
      | header               | value | stream |
      | X-Orchd-Do-Not-Queue | true  | false  |
      | X-Orchd-Max-Wait-Ms  | 0     | false  |
      | X-Orchd-Max-Wait-Ms  | 100   | false  |
      | X-Orchd-Max-Wait-Ms  | 100   | true   |

  @B-V1-018
  Scenario: What can start at once is served
    Given a vLLM engine with 1 slot is bound
    And a client request with X-Orchd-Do-Not-Queue "true"
    When I ask for a chat
    Then I receive 200 OK

  @B-V1-018
  Scenario: Who says that it waits also waits for an engine
    Given a vLLM engine with 4 slots is bound
    And the engine is loading its model
    And a client request with X-Orchd-Max-Wait-Ms "60000"
    When I ask for a chat while the engine becomes ready
    Then I receive 200 OK

  @B-V1-018
  Scenario: And no longer than it says
    Given a vLLM engine with 4 slots is bound
    And the engine has stopped
    And a client request with X-Orchd-Max-Wait-Ms "100"
    When I ask for a chat
    Then the answer is an error 503 of type "server_error", with the code "pool_unavailable"

  @B-V1-011
  Scenario Outline: A session and a priority are in the body where headers are not to be had
    Given a vLLM engine with 4 slots is bound
    When I ask for a chat with <body>
    Then I receive 200 OK
    And the task has the session "<session>" and the priority "<priority>"

    Examples:
      | body                                                                 | session | priority    |
      | {"metadata": {"orchd_session": "s-1", "orchd_priority": "batch"}}    | s-1     | batch       |
      | {"metadata": {"session": "s-1"}, "service_tier": "flex"}             | s-1     | batch       |
      | {"metadata": {"session": "s-1", "priority": "mine"}}                 | s-1     | interactive |

  @B-V1-019
  Scenario: What is left of the queue and of a session's budget is told
    Given the setting ORCHD_ADMISSION_CAPACITY is "5"
    And the setting ORCHD_SESSION_TOKENS_BUDGET is "1000"
    And a vLLM engine with 4 slots is bound
    And a client request with X-Orchd-Session "s-1"
    When I ask for a chat
    Then the header x-ratelimit-limit-requests is "5"
    And the header x-ratelimit-remaining-requests is "5"
    And the header x-ratelimit-limit-tokens is "1000"
    And the header x-ratelimit-remaining-tokens is "996"
