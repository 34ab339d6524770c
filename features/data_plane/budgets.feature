Feature: Sessions and their budgets

  Budgets are exact, however many tasks run at once.

  @B-SS-021 @B-SS-022 @B-DP-025
  Scenario: A finished task is a turn, and costs what it used
    Given the setting ORCHD_SESSION_TOKENS_BUDGET is "100"
    And an engine with 1 slot is bound to pool "default"
    When I submit task "t-1" with {"session_id": "s-1", "max_tokens": 30}
    Then task "t-1" ends as completed
    And session "s-1" has 1 turn and 70 tokens left

  @B-SS-022
  Scenario: Tasks that run at once never overspend
    Given the setting ORCHD_SESSION_TOKENS_BUDGET is "100"
    And a slow engine with 4 slots is bound to pool "default"
    When I submit 8 tasks at once with {"session_id": "s-1", "max_tokens": 30}
    Then 3 are accepted and 5 are refused with BUDGET_EXHAUSTED

  @B-SS-022 @B-DP-025
  Scenario: A spent budget is refused for good
    Given the setting ORCHD_SESSION_TOKENS_BUDGET is "10"
    And an engine with 1 slot is bound to pool "default"
    And a task of session "s-1" has used 10 tokens
    When I submit task "t-2" with {"session_id": "s-1", "max_tokens": 1}
    Then I am refused with 429 BUDGET_EXHAUSTED
    And the error is not retriable and tells nothing of the inside
    And the refusal says when to come back

  @B-SS-022
  Scenario: A cancelled task gives back what it did not use
    Given the setting ORCHD_SESSION_TOKENS_BUDGET is "1000"
    And task "t-1" with {"session_id": "s-1", "max_tokens": 900} waits
    When I cancel task "t-1"
    Then session "s-1" has 0 turns and 1000 tokens left

  @B-SS-020
  Scenario: An idle session lapses
    Given the setting ORCHD_SESSION_TTL_MS is "600"
    And an engine with 1 slot is bound to pool "default"
    And a task of session "s-1" has used 5 tokens
    When nothing happens for 700 ms
    Then session "s-1" has 0 turns and 10000000 tokens left

  @B-SS-020
  Scenario: Work keeps a session, and its end renews it
    Given the setting ORCHD_SESSION_TTL_MS is "2000"
    And a slow engine with 1 slot is bound to pool "default"
    When a task of session "s-1" has used 150 tokens
    Then session "s-1" has 1 turn and 9999850 tokens left

  @B-SS-023
  Scenario: The longest idle session goes first when there are too many
    Given the setting ORCHD_SESSIONS_MAX is "2"
    And an engine with 1 slot is bound to pool "default"
    And a task of session "s-1" has used 5 tokens
    And a task of session "s-2" has used 5 tokens
    When a task of session "s-3" has used 5 tokens
    Then session "s-2" has 1 turn and 9999995 tokens left
    And session "s-1" has 0 turns and 10000000 tokens left
