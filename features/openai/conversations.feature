Feature: OpenAI's conversations

  What was said is kept under an id, and responses are made in it.

  @B-RSP-011
  Scenario: A conversation is made, filled, looked through and deleted
    Given a vLLM engine with 4 slots is bound
    And I have made a conversation with "One"
    When I put "Two" into the conversation
    Then I receive 200 OK
    And the conversation holds "One", "Two"
    When I take its first item out
    Then I receive 200 OK
    And the conversation holds "Two"
    When I delete the conversation
    Then I receive 200 OK
    And the conversation is gone

  @B-RSP-012
  Scenario: A response goes on from a conversation, which takes it up
    Given a vLLM engine with 4 slots is bound
    And I have made a conversation with "First"
    When I ask for a response to "Second" in the conversation
    Then I receive 200 OK
    And the engine has had "First" and "Second", and not "Third"
    And the conversation holds what was said by "user", "user", "assistant"

  @B-RSP-012
  Scenario Outline: What cannot be together with a conversation is refused by name
    Given a vLLM engine with 4 slots is bound
    And I have made a conversation with "First"
    When I ask for a response to "Second" in the conversation with <more>
    Then the answer is an error 400 of type "invalid_request_error", with the code "invalid_params"
    And its parameter at fault is "<field>"

    Examples:
      | more                             | field                |
      | {"previous_response_id": "resp"} | previous_response_id |
      | {"store": false}                 | store                |

  @B-RSP-012
  Scenario: A conversation that nobody knows is 404
    Given a vLLM engine with 4 slots is bound
    When I ask for a response to "Hello" with {"conversation": "conv_nobody"}
    Then the answer is an error 404 of type "invalid_request_error", with the code "conversation_not_found"
    And its parameter at fault is "conversation"

  @B-RSP-013
  Scenario: One response at a time is made in a conversation
    Given a slow vLLM engine with 2 slots is bound
    And I have made a conversation with "First"
    When I ask for a response to "Second" in the conversation with {"background": true, "max_output_tokens": 4000}
    And I ask for a response to "Third" in the conversation with {}
    Then the answer is an error 409 of type "invalid_request_error", with the code "conversation_locked"

  @B-RSP-013
  Scenario: What was said while the service was killed is taken up once
    Given a slow vLLM engine with 1 slot is bound
    And the only slot is taken by a task "t-1"
    And I have made a conversation with "First"
    When I ask for a response to "Second" in the conversation with {"background": true, "max_output_tokens": 2}
    And the service is killed and started again
    And the engine is bound again
    Then the response ends as "incomplete"
    And the conversation holds what was said by "user", "user", "assistant"
