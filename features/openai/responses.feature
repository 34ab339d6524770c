Feature: OpenAI's Responses

  New agents speak Responses: plain, streamed or in the background, kept or not.

  @B-RSP-001
  Scenario: A response is made, as a task, and kept
    Given a vLLM engine with 4 slots is bound
    When I ask for a response to "Hello"
    Then I receive 200 OK
    And the response is "incomplete" with a text, and its usage
    And looked up again it is the same

  @B-RSP-002
  Scenario: A response is streamed as numbered events
    Given a vLLM engine with 4 slots is bound
    When I ask for a response to "Hello" with {"stream": true}
    Then I receive 200 OK
    And Content-Type is text/event-stream
    And its numbered events are response.created, response.in_progress, response.output_item.added, response.content_part.added, response.output_text.delta, response.output_text.done, response.content_part.done, response.output_item.done, response.incomplete

  @B-RSP-003
  Scenario: A response goes on from another one, without the instructions of that
    Given a vLLM engine with 4 slots is bound
    And I have asked for a response to "First" with {"instructions": "Be brief."}
    When I go on from it with "Second"
    Then the engine has had "First" and "Second", and not "Be brief."
    And its input items are "Second" and what was said before

  @B-RSP-004
  Scenario: A response in the background is followed from any event
    Given a vLLM engine with 4 slots is bound
    When I ask for a response to "Hello" with {"background": true}
    Then the response is "queued"
    And it can be followed from its start, and after any event as if it had not been left

  @B-RSP-004
  Scenario: A response in the background survives a restart before it has begun
    Given a slow vLLM engine with 1 slot is bound
    And the only slot is taken by a task "t-1"
    And I have asked for a response to "Hello" with {"background": true, "max_output_tokens": 2}
    When the service is killed and started again
    And the engine is bound again
    Then the response ends as "incomplete"

  @B-RSP-004
  Scenario: A response whose output was shown ends with what there is when the service is killed
    Given a slow vLLM engine with 1 slot is bound
    And I have asked for a response to "Hello" with {"background": true, "max_output_tokens": 4000}
    And some of it was shown
    When the service is killed and started again
    Then the response ends as "failed"
    And it has the output that there was

  @B-RSP-005
  Scenario: A response in the background is cancelled, more than once
    Given a slow vLLM engine with 1 slot is bound
    And I have asked for a response to "Hello" with {"background": true, "max_output_tokens": 4000}
    When I cancel the response twice
    Then I receive 200 OK
    And the response is "cancelled"
    And the engine works for nobody

  @B-RSP-006
  Scenario: A response that is deleted is gone, with its output
    Given a vLLM engine with 4 slots is bound
    And I have asked for a response to "Hello"
    When I delete the response
    Then I receive 200 OK
    And the response is gone, and so is the output of its task

  @B-RSP-006
  Scenario: A response that is not to be stored leaves nothing behind
    Given a vLLM engine with 4 slots is bound
    When I ask for a response to "Hello" with {"store": false}
    Then I receive 200 OK
    And the response is gone, and so is the output of its task

  @B-RSP-006
  Scenario: A response is forgotten once its retention is over
    Given the setting ORCHD_RESPONSE_RETENTION_MS is "0"
    And a vLLM engine with 4 slots is bound
    When I ask for a response to "Hello"
    Then the response is forgotten

  @B-RSP-007
  Scenario Outline: What is not done here is refused by name
    Given a vLLM engine with 4 slots is bound
    When I ask for a response to "Hello" with <more>
    Then the answer is an error 400 of type "invalid_request_error", with the code "invalid_params"
    And its parameter at fault is "<field>"

    Examples:
      | more                                                     | field                |
      | {"tools": [{"type": "web_search"}]}                      | tools.0.type         |
      | {"tools": [{"type": "mcp", "server_label": "x"}]}        | tools.0.type         |
      | {"truncation": "auto"}                                   | truncation           |
      | {"prompt": {"id": "p"}}                                  | prompt               |
      | {"background": true, "store": false}                     | store                |
      | {"input": [{"type": "computer_call"}]}                   | input.0.type         |
      | {"include": ["file_search_call.results"]}                | include.0            |
      | {"input": [{"type": "item_reference", "id": "msg_x"}]}   | input.0.id           |

  @B-RSP-007
  Scenario: A response that nobody knows is 404
    Given a vLLM engine with 4 slots is bound
    When I ask for a response to "Hello" with {"previous_response_id": "resp_nobody"}
    Then the answer is an error 404 of type "invalid_request_error", with the code "response_not_found"
    And its parameter at fault is "previous_response_id"
