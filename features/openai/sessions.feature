Feature: Sessions, restarts and large answers under OpenAI's API

  A request of OpenAI's API is a task, and its client need not know what that means.

  @B-V1-021
  Scenario Outline: A chat that leaves open how much it may generate gets what its session has left
    Given the setting ORCHD_SESSION_TOKENS_BUDGET is "50"
    And a vLLM engine with 4 slots is bound
    And a client request with X-Orchd-Session "s-1"
    And I ask for a chat with {"max_tokens": 20}
    When I ask for a chat with {"max_tokens": null, "n": <choices>}
    Then I receive 200 OK
    And the engine was told to generate <tokens> tokens at most

    Examples:
      | choices | tokens |
      | 1       | 30     |
      | 2       | 15     |

  @B-V1-021
  Scenario: One that asks for more than there is left is refused
    Given the setting ORCHD_SESSION_TOKENS_BUDGET is "50"
    And a vLLM engine with 4 slots is bound
    And a client request with X-Orchd-Session "s-1"
    When I ask for a chat with {"max_tokens": 60}
    Then the answer is an error 429 of type "insufficient_quota", with the code "insufficient_quota"

  @B-V1-022
  Scenario: What waited for its client when the service was killed is not run after it
    Given a slow vLLM engine with 1 slot is bound
    And the only slot is taken by a task "t-1"
    When a client waits for a chat in the queue, and the service is killed and starts again
    Then 1 task ended as cancelled
    And the engine was never asked for the chat

  @B-V1-023
  Scenario: Many embeddings have room in the log, and are numbers all the same
    Given the setting ORCHD_TASK_OUTPUT_MAX_BYTES is "65536"
    And a vLLM engine that serves embeddings is bound
    When I ask /v1/embeddings for 100 texts
    Then the answer has 100 embeddings in numbers
