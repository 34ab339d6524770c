@map
Feature: Control Plane - Worker Registration

  Engine processes announce themselves with a token of their own.

  @B-CP-050 @B-CP-051
  Scenario: 4.1 Register worker - missing token
    Given no Bearer token is provided
    When I register a worker
    Then I receive 401 Unauthorized
    And the response includes code 40101
    And the response includes message "MISSING_TOKEN"

  @B-CP-050 @B-CP-052 @B-CP-053
  Scenario: 4.2 Register worker - invalid token
    Given a Bearer token "bad-token" is provided
    And AUTH_TOKEN environment variable is "good-token"
    When I register a worker
    Then I receive 401 Unauthorized
    And the response includes code 40102
    And the response includes message "BAD_TOKEN"

  @B-CP-050 @B-CP-053 @B-CP-054 @B-CP-055 @B-CP-056 @B-CP-058
  Scenario: 4.3 Register worker - valid token
    Given a Bearer token "valid-token" is provided
    And AUTH_TOKEN environment variable is "valid-token"
    When I register a worker with pool_id "gpu-0" and replica_id "r1"
    Then I receive 200 OK
    And the response includes identity fingerprint
    And the response includes pool_id "gpu-0"
    And the response includes replica_id "r1"
    And an identity breadcrumb is logged
