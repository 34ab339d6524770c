@map
Feature: Control Plane - Capabilities

  Clients learn what the service can do right now.

  @B-CP-001 @B-CP-002 @B-CP-003 @B-CP-004
  Scenario: 2.1 Get capabilities
    Given a Control Plane API endpoint
    When I request capabilities
    Then I receive 200 OK
    And the response includes api_version
    And the response includes engines array

  @B-CP-001 @B-CP-002
  Scenario: 2.2 Capabilities are cached
    Given a Control Plane API endpoint
    When I request capabilities twice
    Then both responses are identical
    And the second response is served from cache
