@map
Feature: Data Plane - Task Streaming

  A client reads the events of its task as they happen.

  @B-DP-100 @B-DP-101 @B-DP-102 @B-DP-103 @B-DP-104 @B-DP-120 @B-DP-121 @B-DP-123 @B-DP-124
  Scenario: 6.1 Stream task - basic flow
    Given a task "t-1" has been enqueued
    When I stream task events for "t-1"
    Then I receive 200 OK
    And Content-Type is text/event-stream
    And correlation ID is present in headers
    And budget headers are present
    And I receive SSE event "started"
    And I receive SSE event "token"
    And I receive SSE event "end"

  @B-STR-001 @B-STR-002 @B-STR-003 @B-STR-004 @B-STR-005 @B-STR-011 @B-STR-012 @B-STR-013
  Scenario: 6.2 Stream with health-gated dispatch
    Given a pool "default" is ready with slots_free > 0
    And an adapter is bound to pool "default"
    And a task "t-1" has been enqueued
    When I stream task events for "t-1"
    Then the task is dispatched to the adapter
    And I receive real token events from the adapter

  @B-DP-112 @B-DP-150 @B-DP-151 @B-DP-153
  Scenario: 6.3 Stream with pool not ready - fallback
    Given a pool "default" is not ready
    And a task "t-1" has been enqueued
    When I stream task events for "t-1"
    Then the deterministic fallback is used
    And I receive event "started"
    And I receive one event "token" with text "Hello"
    And I receive event "end"

  @B-DP-120 @B-DP-153
  Scenario: 6.4 SSE started event includes queue metadata
    Given a task "t-1" has been enqueued at position 3
    When I stream task events for "t-1"
    Then the "started" event includes queue_position=3
    And the "started" event includes predicted_start_ms

  @B-DP-140 @B-DP-141 @B-STR-030 @B-STR-031 @B-STR-032 @B-STR-033
  Scenario: 6.5 SSE transcript is persisted
    Given a task "t-1" has been enqueued
    When I stream task events for "t-1"
    Then an SSE transcript artifact is created
    And the artifact includes all events
    And the artifact ID is a SHA-256 hash
