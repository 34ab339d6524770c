Feature: Places and predictions

  A client is told where its task stands, and what it can expect.

  @B-DP-015 @B-DP-020 @B-DP-021
  Scenario: Before anything was measured a start is a guess, and says so
    Given task "a" waits
    And task "b" waits
    And task "c" waits
    When I submit task "t-1"
    Then it is told position 3 and a start that is assumed
    And its streams are "/v2/tasks/t-1/events" and "/v2/tasks/t-1/events?verbose=true"

  @B-DP-002
  Scenario: A guess refuses nobody
    Given task "a" waits
    And task "b" waits
    And task "c" waits
    When I submit task "t-1" with {"deadline_ms": 200}
    Then I receive 202 Accepted

  @B-DP-020
  Scenario: A start is predicted from what the pool needs for the tokens that go before
    Given a slow engine with 1 slot is bound to pool "default"
    And the pace of pool "default" was measured
    And task "running" with {"max_tokens": 150} is running
    And task "waiting" with {"max_tokens": 60} waits
    When I submit task "t-1"
    Then it is told position 1 and a start that is measured
    And task "t-1" starts about when it was told

  @B-DP-120 @B-DP-122
  Scenario: The same is said in the record, in the stream and while a task waits
    Given a slow engine with 1 slot is bound to pool "default"
    And the pace of pool "default" was measured
    And task "running" with {"max_tokens": 150} is running
    When I submit task "t-1"
    Then its record says the same of its start
    And a verbose reader is told of its start while it waits
    And its "started" event says the same of its start

  @B-DP-020 @B-DP-015
  Scenario: A task that is pinned elsewhere delays nobody
    Given a slow engine with 1 slot is bound to pool "slow"
    And an engine with 1 slot is bound to pool "fast"
    And the pace of pool "slow" was measured
    And the pace of pool "fast" was measured
    And task "running" with {"max_tokens": 500, "placement": {"pin_pool_id": "slow"}} is running
    And task "a" with {"max_tokens": 500, "placement": {"pin_pool_id": "slow"}} waits
    And task "b" with {"max_tokens": 500, "placement": {"pin_pool_id": "slow"}} waits
    When I submit task "t-1" with {"deadline_ms": 5000, "placement": {"pin_pool_id": "fast"}}
    Then it is told position 2 and a start that is measured
    And task "t-1" ends as completed

  @B-DP-002
  Scenario: A deadline that even the earliest start passes is refused at once
    Given a slow engine with 1 slot is bound to pool "default"
    And the pace of pool "default" was measured
    And task "running" is running
    And task "a" with {"max_tokens": 60} waits
    And task "b" with {"max_tokens": 60} waits
    When I submit task "t-1" with {"deadline_ms": 200}
    Then I am refused with 400 DEADLINE_UNMET
    And task "t-1" was never admitted

  @B-DP-020
  Scenario: What was measured outlives the service
    Given an engine with 1 slot is bound to pool "default"
    And the pace of pool "default" was measured
    And the service was stopped and started again
    And pool "default" is ready again
    When I submit task "t-1"
    Then it is told position 0 and a start that is measured

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
    And it is told position 1 and a start that is assumed
    And task "t-1" is still queued
