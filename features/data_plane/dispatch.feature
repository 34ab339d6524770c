Feature: Dispatch and failures of engines

  Work goes to a free slot as soon as there is one, and a failing engine never doubles a token.

  @B-DP-111 @B-DP-145 @B-STR-004 @B-STR-005
  Scenario: Work starts without a reader, never on more slots than there are
    Given a slow engine with 2 slots is bound to pool "default"
    When I submit 3 tasks at once with {"max_tokens": 2000}
    Then 2 of them run and 1 waits
    And tasks_started_total is 2

  @B-DP-113 @B-STR-011
  Scenario: The engine gets the request as it was admitted
    Given an engine with 1 slot is bound to pool "default"
    When I submit task "t-1" with {"prompt": "Count.", "max_tokens": 3, "seed": 7, "temperature": 0.5, "stop": ["END"]}
    Then task "t-1" ends as completed
    And the engine was asked with {"prompt": "Count.", "n_predict": 3, "seed": 7, "temperature": 0.5, "stop": ["END"]}

  @B-DP-104 @B-DP-115
  Scenario: An unknown task has no events
    Given an OrchQueue API endpoint
    When I ask for the events of task "unknown"
    Then I am refused with 404 TASK_NOT_FOUND

  @B-DP-116 @B-DP-120 @B-STR-015
  Scenario: A failure before the first token goes to another replica
    Given an engine with 1 slot is bound to pool "default" as "r0"
    And it fails with "reset=100"
    And an engine with 1 slot is bound to pool "default" as "r1"
    When I submit 4 tasks
    Then all of them end as completed
    And each stream has one "started" event

  @B-DP-119
  Scenario: A task that has shown nothing leaves an engine that dies, for another
    Given the setting ORCHD_PROBE_TIMEOUT_MS is "300"
    And an engine with 1 slot is bound to pool "default" as "r0"
    And it fails with "stall-prefill"
    And task "t-1" waits or runs
    And the engine is at work
    And an engine with 1 slot is bound to pool "default" as "r1"
    When the engine answers nobody any more
    Then task "t-1" ends as completed
    And it ran on "default/r1"
    And each stream has one "started" event

  @B-DP-119
  Scenario: A task that has shown tokens ends with its engine, and is not run again
    Given the setting ORCHD_PROBE_TIMEOUT_MS is "300"
    And a slow engine with 1 slot is bound to pool "default"
    And task "t-1" with {"max_tokens": 5000} is running
    When the engine answers nobody any more
    Then the stream of task "t-1" ends with the error WORKER_RESET
    And the error names the engine "llamacpp"
    And the engine was asked 1 time

  @B-DP-116
  Scenario: When every attempt fails the task ends with a typed error, not with the stand-in
    Given an engine with 1 slot is bound to pool "default"
    And it fails with "reset=100"
    When I submit task "t-1"
    Then the stream of task "t-1" ends with the error REPLICA_EXHAUSTED
    And the engine was asked 3 times

  @B-DP-117 @B-DP-125 @B-DP-126 @B-ERR-012
  Scenario: A failure after the first token ends the stream and is never replayed
    Given an engine with 1 slot is bound to pool "default"
    And it fails with "kill-after=3"
    When I submit task "t-1" with {"max_tokens": 20}
    Then the stream of task "t-1" ends with the error WORKER_RESET
    And the error names the engine "llamacpp"
    And it has the tokens 0 to 2
    And the engine was asked 1 time

  @B-DP-117
  Scenario: What an engine refuses is the client's error, with the engine's reason
    Given an engine with 1 slot is bound to pool "default"
    And it fails with "400"
    When I submit task "t-1"
    Then the stream of task "t-1" ends with the error INVALID_PARAMS
    And the error says "refused by a fault"
    And the engine was asked 1 time

  @B-DP-117
  Scenario Outline: A request's own fault is told and never retried, in whatever dialect an engine tells it
    Given an engine with 1 slot is bound to pool "default"
    And it fails with <fault>
    When I submit task "t-1"
    Then the stream of task "t-1" ends with the error INVALID_PARAMS
    And the error says "exceeds the available context size"
    And the engine was asked 1 time

    Examples:
      | fault           |
      | "context-500"   |
      | "error-field"   |
      | "error-field=3" |

  @B-DP-116
  Scenario: A task that a busy engine turns away waits and comes back
    Given an engine with 1 slot is bound to pool "default"
    And it fails with "503=2"
    When I submit task "t-1"
    Then task "t-1" ends as completed

  @B-DP-127
  Scenario: An engine is left alone for as long as it asks
    Given an engine with 1 slot is bound to pool "default"
    And it fails with "429=1"
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And the engine was asked again 1000 ms later or more

  @B-DP-127 @B-DP-116
  Scenario: Meanwhile another replica runs the task
    Given an engine with 1 slot is bound to pool "default" as "r0"
    And it fails with "429=100"
    And an engine with 1 slot is bound to pool "default" as "r1"
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And it ran on "default/r1"
    And the engine was asked 1 time

  @B-DP-127
  Scenario: A replica that had no room once is used again, though another may run the task
    Given an engine with 1 slot is bound to pool "a"
    And it fails with "503=1"
    And a slow engine with 1 slot is bound to pool "b"
    And task "long" with {"max_tokens": 5000, "placement": {"pin_pool_id": "b"}} is running
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And it ran on "a/r0"

  @B-DP-127 @B-DP-002
  Scenario: A task that waited for room until its deadline ends with the reason of the engine
    Given an engine with 1 slot is bound to pool "default"
    And it fails with "503=100"
    When I submit task "t-1" with {"deadline_ms": 1500}
    Then the stream of task "t-1" ends with the error DEADLINE_UNMET
    And the error says "Loading model"
    And the error names the engine "llamacpp"

  @B-DP-117
  Scenario: An engine that falls silent is given up
    Given the setting ORCHD_ENGINE_IDLE_TIMEOUT_MS is "300"
    And an engine with 1 slot is bound to pool "default"
    And it fails with "stall-after=2"
    When I submit task "t-1"
    Then the stream of task "t-1" ends with the error DECODE_TIMEOUT
    And the engine works for nobody

  @B-DP-118 @B-DP-116
  Scenario: An engine that never begins is given up in a time of its own, and another replica runs the task
    Given the setting ORCHD_ENGINE_FIRST_TOKEN_TIMEOUT_MS is "300"
    And an engine with 1 slot is bound to pool "default" as "r0"
    And it fails with "stall-prefill=100"
    And an engine with 1 slot is bound to pool "default" as "r1"
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And it ran on "default/r1"
    And the engine works for nobody

  @B-DP-118
  Scenario: With no other replica the task says at its end that the first token did not come
    Given the setting ORCHD_ENGINE_FIRST_TOKEN_TIMEOUT_MS is "100"
    And an engine with 1 slot is bound to pool "default"
    And it fails with "stall-prefill=100"
    When I submit task "t-1"
    Then the stream of task "t-1" ends with the error REPLICA_EXHAUSTED
    And the error says "gave no token"
    And the engine works for nobody

  @B-DP-002 @B-DP-117
  Scenario: A deadline holds while a task waits and while it runs
    Given a slow engine with 1 slot is bound to pool "default"
    And task "running" with {"max_tokens": 5000, "deadline_ms": 4000} is running
    When I submit task "waiting" with {"deadline_ms": 700}
    Then the stream of task "waiting" ends with the error DEADLINE_UNMET
    And the stream of task "running" ends with the error DECODE_TIMEOUT

  @B-DP-112
  Scenario: With the policy error, an opened stream without a pool ends
    Given the setting ORCHD_FALLBACK is "error"
    And task "t-1" waits
    When I read task "t-1"
    Then the stream of task "t-1" ends with the error POOL_UNREADY

  @B-DP-112 @B-STR-001
  Scenario: With the policy wait, the task runs once a pool is ready
    Given the setting ORCHD_FALLBACK is "wait"
    And task "t-1" waits
    And somebody reads task "t-1"
    When an engine with 1 slot is bound to pool "default"
    Then task "t-1" ends as completed
    And it ran on "default/r0"

  @B-DP-112
  Scenario: A busy pool is waited for, whatever the policy
    Given the setting ORCHD_FALLBACK is "error"
    And a slow engine with 1 slot is bound to pool "default"
    And task "running" with {"max_tokens": 150} is running
    And task "t-1" waits
    When I read task "t-1"
    Then task "t-1" ends as completed
    And it ran on "default/r0"
