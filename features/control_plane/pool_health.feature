@map
Feature: Control Plane - Pool Management

  Operators see how a pool is, drain it, swap its model, and purge it.

  @B-CP-010 @B-CP-011 @B-CP-013 @B-CP-014 @B-CP-015
  Scenario: 3.1 Get pool health - existing pool
    Given a pool "default" exists
    When I request pool health for "default"
    Then I receive 200 OK
    And the response includes live status
    And the response includes ready status
    And the response includes draining status
    And the response includes metrics

  @B-CP-010 @B-CP-012 @B-CP-015
  Scenario: 3.2 Get pool health - non-existent pool
    Given a pool "unknown" does not exist
    When I request pool health for "unknown"
    Then I receive 200 OK
    And the response shows live=true and ready=true (defaults)

  @B-CP-020 @B-CP-021 @B-CP-022
  Scenario: 3.3 Drain pool
    Given a pool "default" exists
    When I request pool drain with deadline_ms 5000
    Then I receive 202 Accepted
    And the pool is marked as draining

  @B-CP-030 @B-CP-032 @B-CP-033
  Scenario: 3.4 Reload pool - success
    Given a pool "default" exists
    When I request pool reload with new_model_ref "model-v2"
    Then I receive 200 OK
    And the model_state metric is updated

  @B-CP-030 @B-CP-031
  Scenario: 3.5 Reload pool - failure (test sentinel)
    Given a pool "default" exists
    When I request pool reload with new_model_ref "bad"
    Then I receive 409 Conflict

  @B-CP-040 @B-CP-041
  Scenario: 3.6 Purge pool
    Given a pool "default" exists
    When I request pool purge
    Then I receive 202 Accepted
