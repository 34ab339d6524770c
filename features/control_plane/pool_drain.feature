Feature: Draining a pool

  An operator takes a pool out of service without cutting what it does.

  @B-CP-023 @B-CP-024
  Scenario: What runs goes on to its end, and nothing new starts
    Given a slow engine with 1 slot is bound to pool "default"
    And task "running" with {"max_tokens": 150} is running
    And task "waiting" waits
    When I drain pool "default" with a deadline of 20000 ms
    Then task "running" ends as completed
    And task "waiting" is still queued

  @B-CP-023
  Scenario: What still runs at the deadline ends with a typed error
    Given a slow engine with 1 slot is bound to pool "default"
    And task "running" is running
    When I drain pool "default" with a deadline of 100 ms
    Then the stream of task "running" ends with the error POOL_DRAINED
    And the engine works for nobody

  @B-CP-024 @B-DP-005 @B-ERR-003
  Scenario: A task pinned to a draining pool is refused
    Given an engine with 1 slot is bound to pool "gpu-0"
    And pool "gpu-0" drains
    When I submit task "t-1" with {"placement": {"pin_pool_id": "gpu-0"}}
    Then I am refused with 503 POOL_UNAVAILABLE
    And the refusal says when to come back

  @B-CP-024
  Scenario: A pool that is taken back serves again
    Given an engine with 1 slot is bound to pool "default"
    And pool "default" drains
    And task "waiting" waits
    When I undrain pool "default"
    Then task "waiting" ends as completed

  @B-CP-025
  Scenario: A drain outlives a restart
    Given an engine with 1 slot is bound to pool "default"
    And pool "default" drains
    And task "waiting" waits
    When the service is killed and started again
    Then the engine is ready in pool "default", which still drains
    And task "waiting" is still queued
