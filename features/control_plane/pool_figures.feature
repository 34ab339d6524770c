Feature: A pool's figures

  @B-CP-011 @B-CP-014
  Scenario: Health shows what waits and what runs
    Given a slow engine with 1 slot is bound to pool "default"
    And task "running" is running
    And task "first" waits
    And task "second" waits
    When I request pool health for "default"
    Then its metrics are {"queue_depth": 2, "slots_total": 1, "slots_free": 0, "running": 1}
