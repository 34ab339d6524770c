@map
Feature: Data Plane - Task Admission

  A task is admitted with its place, or refused at once with advice.

  @B-DP-010 @B-DP-011 @B-DP-012 @B-DP-015 @B-DP-020 @B-DP-021 @B-DP-022 @B-DP-023 @B-DP-024 @B-DP-025
  @B-DP-026 @B-DP-027 @B-DP-028
  Scenario: 5.1 Enqueue valid task
    Given an OrchQueue API endpoint
    When I enqueue a completion task with valid payload
    Then I receive 202 Accepted
    And the response includes task_id
    And the response includes queue_position
    And the response includes predicted_start_ms
    And the response includes streams object
    And the response includes preparation object
    And budget headers are present
    And correlation ID is present

  @B-DP-001 @B-ERR-001
  Scenario: 5.2 Invalid ctx parameter
    Given an OrchQueue API endpoint
    When I enqueue a task with ctx=-1
    Then I receive 400 Bad Request
    And the error code is INVALID_PARAMS
    And the error message mentions "ctx must be >= 0"

  @B-DP-002 @B-ERR-002
  Scenario: 5.3 Invalid deadline
    Given an OrchQueue API endpoint
    When I enqueue a task with deadline_ms=0
    Then I receive 400 Bad Request
    And the error code is DEADLINE_UNMET

  @B-DP-013 @B-DP-031 @B-DP-032 @B-DP-033 @B-DP-034 @B-DP-035 @B-ERR-005 @B-ERR-015 @B-ERR-016 @B-ERR-017
  Scenario: 5.4 Queue full - reject policy
    Given an OrchQueue API endpoint with reject policy
    And the queue is at capacity
    When I enqueue a task
    Then I receive 429 Too Many Requests
    And the error code is ADMISSION_REJECT
    And the Retry-After header is present
    And the X-Backoff-Ms header is present
    And the error envelope includes retry_after_ms
    And the error envelope includes policy_label

  @B-DP-003 @B-DP-014 @B-DP-035 @B-ERR-006
  Scenario: 5.5 Queue full - drop-lru policy
    Given an OrchQueue API endpoint with drop-lru policy
    And the queue is at capacity
    When I enqueue a task with expected_tokens=2000000
    Then I receive 429 Too Many Requests
    And the error code is QUEUE_FULL_DROP_LRU
    And the oldest task is dropped
