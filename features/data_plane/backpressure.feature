Feature: Backpressure

  A client that is refused knows what to do next, and not all come back at once.

  @B-DP-031 @B-DP-032 @B-ERR-015 @B-ERR-017
  Scenario: Clients refused together are sent back at different times
    Given an OrchQueue API endpoint with reject policy
    And the queue is at capacity
    When I submit 6 tasks at once with {}
    Then all of them are told when to come back, in whole seconds and in milliseconds
    And not all of them at the same time

  @B-DP-033 @B-ERR-010 @B-ERR-011 @B-ERR-013 @B-ERR-016
  Scenario: A refusal has the one envelope
    Given an OrchQueue API endpoint with reject policy
    And the queue is at capacity
    When I enqueue a task
    Then I am refused with 429 ADMISSION_REJECT
    And the envelope has "code, message, retriable, retry_after_ms, policy_label, correlation_id" and nothing else

  @B-DP-026 @B-DP-027
  Scenario: Each decision is one line, with a sentence for people
    Given an OrchQueue API endpoint with reject policy
    And the queue is at capacity
    When I submit task "late"
    Then the log line "task_rejected" has "job_id, session_id, code, policy, human, correlation_id"
    And the log has 4 lines "task_admitted" and one line "task_rejected"
