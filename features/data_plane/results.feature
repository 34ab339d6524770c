Feature: Results without a stream

  The output of a task for clients that read no events: with the task, or as the answer to its submission.

  @B-DP-147
  Scenario: A submission that waits is answered with the result
    Given an engine with 2 slots is bound to pool "default"
    When I submit task "t-1" with {"max_tokens": 12} and wait up to 30 seconds
    Then I receive 200 OK
    And budget headers are present
    And the answer is task "t-1", completed, with all that its stream says

  @B-DP-147
  Scenario: A submission whose time is up is answered as one that did not wait, and the task goes on
    Given the setting ORCHD_DETACH_GRACE_MS is "0"
    And a slow engine with 1 slot is bound to pool "default"
    When I submit task "t-1" with {"max_tokens": 200} and wait up to 1 second
    Then I receive 202 Accepted
    And the response includes queue_position
    And task "t-1" ends as completed

  @B-DP-147
  Scenario: A submission that waits is told of a failure with what came before it
    Given an engine with 1 slot is bound to pool "default"
    And it fails with "kill-after=3"
    When I submit task "t-1" with {"max_tokens": 12} and wait up to 30 seconds
    Then I receive 200 OK
    And the answer is task "t-1", failed with WORKER_RESET, with all that its stream says

  @B-DP-147
  Scenario: The same submission again gives the result of the first
    Given an engine with 2 slots is bound to pool "default"
    And task "t-1" has been completed
    When I submit task "t-1" and wait up to 30 seconds
    Then I receive 200 OK
    And the answer is task "t-1", completed, with all that its stream says

  @B-DP-147 @B-DP-112 @B-DP-154
  Scenario: Who waits is answered by the stand-in, as who reads
    Given an OrchQueue API endpoint
    When I submit task "t-1" and wait up to 30 seconds
    Then I receive 200 OK
    And the answer is task "t-1", completed, with all that its stream says
    And the answer says that a stand-in gave it

  @B-DP-148
  Scenario: A client that leaves while it waits is a reader that left
    Given the setting ORCHD_DETACH_GRACE_MS is "0"
    And a slow engine with 2 slots is bound to pool "default"
    And a client waits for task "left" with {"max_tokens": 2000}
    And a client waits for task "kept" with {"max_tokens": 150, "on_disconnect": "continue"}
    When both clients leave
    Then task "left" ends as cancelled
    And task "kept" ends as completed

  @B-DP-146
  Scenario: A task shows what it has put out so far, to whom asks for it
    Given a slow engine with 1 slot is bound to pool "default"
    And task "t-1" with {"max_tokens": 2000} is running
    When I look at task "t-1" with its output
    Then I receive 200 OK
    And the output is the beginning of what the stream of "t-1" says
    And without asking for it there is none

  @B-DP-146
  Scenario: A task that has ended shows all of its output, also after a restart
    Given an engine with 1 slot is bound to pool "default"
    And task "t-1" has been completed
    When the service is started again
    And I look at task "t-1" with its output
    Then the answer is task "t-1", completed, with all that its stream says

  @B-DP-146 @B-DP-147
  Scenario: A task that is looked at with a wait answers when it has ended
    Given a slow engine with 1 slot is bound to pool "default"
    And task "t-1" with {"max_tokens": 20} waits or runs
    When I look at task "t-1" with its output and wait up to 30 seconds
    Then I receive 200 OK
    And the answer is task "t-1", completed, with all that its stream says

  @B-DP-147
  Scenario Outline: A wait that is none is refused
    Given an OrchQueue API endpoint
    When I send POST to /v2/tasks?wait=<wait>
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "wait"

    Examples:
      | wait |
      | 601  |
      | -1   |
      | 0.5  |
      | soon |
