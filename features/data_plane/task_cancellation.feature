@map
Feature: Data Plane - Task Cancellation

  A cancel reaches a task wherever it is.

  @B-DP-200 @B-DP-201 @B-DP-202 @B-DP-203 @B-DP-205
  Scenario: 7.1 Cancel queued task
    Given a task "t-1" has been enqueued
    When I cancel task "t-1"
    Then I receive 204 No Content
    And the task is marked as cancelled
    And a cancellation log is emitted
    And tasks_canceled_total metric is incremented

  @B-DP-130 @B-DP-131 @B-DP-132 @B-DP-133 @B-DP-206
  Scenario: 7.2 Cancel during stream - race-free
    Given a task "t-1" is streaming
    When I cancel task "t-1" mid-stream
    Then no further token events are emitted
    And the stream terminates cleanly
