@map
Feature: Middleware and Request Processing

  Every answer carries a correlation id, and nobody gets in without a key.

  @B-MW-001 @B-MW-003 @B-MW-004
  Scenario: 1.1 Request with correlation ID
    Given a client request with X-Correlation-Id header "test-123"
    When I make a request to any endpoint
    Then the response includes X-Correlation-Id header "test-123"

  @B-MW-002 @B-MW-003 @B-MW-004
  Scenario: 1.2 Request without correlation ID
    Given a client request without X-Correlation-Id header
    When I make a request to any endpoint
    Then the response includes a generated X-Correlation-Id header
    And the correlation ID is a valid UUIDv4

  @B-MW-011 @B-MW-014
  Scenario: 1.3 API key validation - missing key
    Given no API key is provided
    When I make a request to /v2/tasks
    Then I receive 401 Unauthorized
    And the response includes X-Correlation-Id header

  @B-MW-012 @B-MW-014
  Scenario: 1.4 API key validation - invalid key
    Given an invalid API key is provided
    When I make a request to /v2/tasks
    Then I receive 403 Forbidden
    And the response includes X-Correlation-Id header

  @B-MW-010
  Scenario: 1.5 Metrics endpoint bypasses auth
    Given no API key is provided
    When I make a request to /metrics
    Then I receive 200 OK
    And the response contains Prometheus metrics
