Feature: Places and predictions

  A client is told where its task stands, and what it can expect.

  @B-DP-015 @B-DP-020 @B-DP-021
  Scenario: Before anything was measured a place costs 100 ms
    Given task "a" waits
    And task "b" waits
    And task "c" waits
    When I submit task "t-1"
    Then it is told position 3 and a start in 300 ms
    And its streams are "/v2/tasks/t-1/events" and "/v2/tasks/t-1/events?verbose=true"

  @B-DP-020
  Scenario: Afterwards the prediction comes from the time that tasks took
    Given a slow engine with 1 slot is bound to pool "default"
    And a task of session "s-1" has used 40 tokens
    And task "running" is running
    And task "waiting" waits
    When I submit task "t-1"
    Then it is told position 1 and a start after twice the time that the first task took

  @B-DP-002
  Scenario: A deadline that the predicted start passes is refused at once
    Given task "a" waits
    And task "b" waits
    And task "c" waits
    When I submit task "t-1" with {"deadline_ms": 200}
    Then I am refused with 400 DEADLINE_UNMET
    And task "t-1" was never admitted

  @B-DP-022
  Scenario: A model that is not loaded yet is told as a step before the start
    Given a router engine with the models "tiny-a, tiny-b" is bound to pool "default"
    And the pool has loaded "tiny-a"
    When I submit task "t-1" with {"model_ref": "tiny-b"}
    Then its preparation is "model_load"

  @B-DP-022
  Scenario: A pool that is still to come is told as a step before the start
    Given the setting ORCHD_FALLBACK is "wait"
    When I submit task "t-1"
    Then its preparation is "pool_warmup"

  @B-DP-022
  Scenario: Where nothing has to happen the preparation is empty
    Given an engine with 1 slot is bound to pool "default"
    When I submit task "t-1"
    Then its preparation is ""

  @B-DP-023 @B-DP-012
  Scenario: An admission outlives the service
    Given task "a" waits
    And task "t-1" waits
    And the service was killed and started again
    When I submit task "t-1"
    Then I receive 202 Accepted
    And it is told position 1 and a start in 100 ms
    And task "t-1" is still queued
