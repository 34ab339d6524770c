@map
Feature: Sessions

  Sessions hold a time to live, turns and budgets.

  @B-SS-001 @B-SS-002 @B-SS-003 @B-SS-004 @B-SS-005
  Scenario: 8.1 Get session - creates if missing
    Given a session "sess-1" does not exist
    When I query session "sess-1"
    Then I receive 200 OK
    And the session is created with default values
    And ttl_ms_remaining is 600000
    And turns is 0

  @B-SS-010 @B-SS-011
  Scenario: 8.2 Delete session
    Given a session "sess-1" exists
    When I delete session "sess-1"
    Then I receive 204 No Content
    And the session is removed

  @B-SS-010 @B-SS-012
  Scenario: 8.3 Delete non-existent session - idempotent
    Given a session "sess-1" does not exist
    When I delete session "sess-1"
    Then I receive 204 No Content
