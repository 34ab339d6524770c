@map
Feature: Artifacts

  Documents are stored by their content.

  @B-ART-001 @B-ART-002 @B-ART-003 @B-ART-004 @B-ART-022
  Scenario: 10.1 Create artifact
    Given an artifacts endpoint
    When I create an artifact with document {"key": "value"}
    Then I receive 201 Created
    And the response includes id (SHA-256 hash)
    And the artifact is persisted

  @B-ART-010 @B-ART-011 @B-ART-012
  Scenario: 10.2 Get artifact - exists
    Given an artifact with id "abc123" exists
    When I get artifact "abc123"
    Then I receive 200 OK
    And the response is the artifact document

  @B-ART-010 @B-ART-013
  Scenario: 10.3 Get artifact - not found
    Given an artifact with id "unknown" does not exist
    When I get artifact "unknown"
    Then I receive 404 Not Found

  @B-ART-022 @B-ART-023
  Scenario: 10.4 Artifact storage is idempotent
    Given an artifacts endpoint
    When I create the same artifact twice
    Then both requests return the same id
