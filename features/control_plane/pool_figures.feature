Feature: A pool's figures

  @B-CP-011 @B-CP-014
  Scenario: Health shows what waits and what runs
    Given a slow engine with 1 slot is bound to pool "default"
    And task "running" is running
    And task "first" waits
    And task "second" waits
    When I request pool health for "default"
    Then its metrics are {"queue_depth": 2, "slots_total": 1, "slots_free": 0, "running": 1, "releasing": 0}

  @B-CP-016
  Scenario: An engine without work falls asleep in spite of being probed, and serves when it is needed
    Given an engine that sleeps after 300 ms without work is bound to pool "default"
    When the engine has fallen asleep
    Then its replica is shown as ready and sleeping
    And the engine has been asleep once
    And a task that is submitted then is completed
