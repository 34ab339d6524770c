Feature: Binding workers

  A worker that names its address is probed and bound.

  @B-CP-057 @B-DP-110 @B-STR-010
  Scenario: A worker with an address serves tasks
    Given an engine with 2 slots is bound to pool "gpu-7"
    When I submit task "t-1" with {"engine": "llamacpp", "placement": {"pin_pool_id": "gpu-7"}}
    Then task "t-1" ends as completed
    And it ran on "gpu-7/r0"

  @B-CP-057
  Scenario: A worker without an address is known but not ready
    Given a pool "default" exists
    When I request pool health for "default"
    Then the pool is not ready, and says why

  @B-CP-057
  Scenario: A registration that is not renewed lapses
    Given an engine registers in pool "default" for 300 ms
    When its time has passed
    Then the pool is gone

  @B-CP-057
  Scenario: An address at which no engine may live is refused
    Given AUTH_TOKEN environment variable is "worker-token"
    And a Bearer token "worker-token" is provided
    When I register a worker at "http://169.254.169.254/"
    Then I am refused with 400 INVALID_PARAMS

  @B-CP-059
  Scenario: One engine is one replica, however its address is spelt
    Given an engine with 2 slots is bound to pool "gpu-7"
    And a Bearer token "worker-token" is provided
    When that engine registers in pool "gpu-8" with its address spelt otherwise
    Then I am refused with 409 REPLICA_CONFLICT
    And the error message mentions "gpu-7/r0"
    And pool "gpu-7" has 2 slots and pool "gpu-8" is not there
