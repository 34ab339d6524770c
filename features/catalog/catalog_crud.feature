@map
Feature: Catalog Management

  Models are described, verified, retired and deleted.

  @B-CAT-001 @B-CAT-003 @B-CAT-004 @B-CAT-005 @B-CAT-006
  Scenario: 9.1 Create model
    Given a catalog endpoint
    When I create a model with id "llama-3-8b" and digest "sha256:abc123"
    Then I receive 201 Created
    And the response includes id "llama-3-8b"
    And the response includes digest "sha256:abc123"
    And the model is persisted to FsCatalog

  @B-CAT-001 @B-CAT-002
  Scenario: 9.2 Create model - missing id
    Given a catalog endpoint
    When I create a model without an id
    Then I receive 400 Bad Request
    And the error message is "id required"

  @B-CAT-010 @B-CAT-011
  Scenario: 9.3 Get model - exists
    Given a model "llama-3-8b" exists in catalog
    When I get model "llama-3-8b"
    Then I receive 200 OK
    And the response includes id and digest

  @B-CAT-010 @B-CAT-012
  Scenario: 9.4 Get model - not found
    Given a model "unknown" does not exist
    When I get model "unknown"
    Then I receive 404 Not Found

  @B-CAT-020 @B-CAT-021 @B-CAT-022
  Scenario: 9.5 Verify model
    Given a model "llama-3-8b" exists in catalog
    When I verify model "llama-3-8b"
    Then I receive 202 Accepted
    And last_verified_ms is updated

  @B-CAT-030 @B-CAT-031 @B-CAT-032 @B-CAT-034 @B-CAT-035
  Scenario: 9.6 Set model state
    Given a model "llama-3-8b" exists with state Active
    When I set model state to Retired
    Then I receive 202 Accepted
    And the model state is Retired

  @B-CAT-040 @B-CAT-041
  Scenario: 9.7 Delete model
    Given a model "llama-3-8b" exists in catalog
    When I delete model "llama-3-8b"
    Then I receive 204 No Content
    And the model is removed from catalog
