Feature: What a cancel finds

  @B-DP-205
  Scenario: A task that has ended stays as it ended
    Given an engine with 1 slot is bound to pool "default"
    And task "t-1" has been completed
    When I cancel task "t-1"
    Then I receive 204 No Content
    And task "t-1" ends as completed

  @B-DP-205
  Scenario: A second cancel changes nothing
    Given task "t-1" waits
    And task "t-1" has been cancelled
    When I cancel task "t-1"
    Then I receive 204 No Content
    And tasks_canceled_total metric is incremented

  @B-DP-205
  Scenario: An unknown task cannot be cancelled
    Given an OrchQueue API endpoint
    When I cancel task "unknown"
    Then I am refused with 404 TASK_NOT_FOUND

  @B-DP-201 @B-DP-202 @B-DP-203
  Scenario: A running task is cancelled, and counted where it ran
    Given a slow engine with 1 slot is bound to pool "default"
    And task "t-1" is running
    When I cancel task "t-1"
    Then the engine works for nobody
    And tasks_canceled_total has counted it at "default/r0" for the client
    And the log line "task_cancelled" has "job_id, engine, pool_id, replica_id, cancelled_by, human"

  @B-DP-207 @B-DP-201
  Scenario: The slot of a cancelled task is given again when the engine has let go of it
    Given an engine with 1 slot that is slow to notice who has gone is bound to pool "default"
    And task "t-1" waits or runs
    And the engine is at work
    And task "t-2" waits
    When I cancel task "t-1"
    Then I receive 204 No Content
    And the pool shows the slot as being released
    And task "t-2" ends as completed
    And no task of ours has waited inside the engine

  @B-DP-207
  Scenario: Slots that another client lets go of are used
    Given an engine with 2 slots, all of which another client uses, is bound to pool "default"
    And task "t-1" waits
    When the other client leaves
    Then task "t-1" ends as completed
    And no task of ours has waited inside the engine

  @B-DP-152 @B-DP-132
  Scenario: The stand-in does not serve a cancelled task
    Given task "t-1" waits
    And task "t-1" has been cancelled
    When I read task "t-1"
    Then the stream of task "t-1" ends with the error CANCELLED
    And it has no other event
