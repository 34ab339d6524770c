@map
Feature: Observability - Metrics

  Operators scrape what happens.

  @B-OBS-001 @B-OBS-002 @B-OBS-003 @B-OBS-007
  Scenario: 11.1 Get Prometheus metrics
    Given a metrics endpoint
    When I request /metrics
    Then I receive 200 OK
    And Content-Type is text/plain
    And the response includes TYPE headers
    And the response includes pre-registered metrics

  @B-OBS-006
  Scenario: 11.2 Metrics include labels
    Given tasks have been enqueued
    When I request /metrics
    Then tasks_enqueued_total includes labels (engine, pool_id, priority)
