Feature: What a stream shows

  Events come as they happen, and a reader can come back to any of them.

  @B-STR-020 @B-STR-021 @B-STR-022 @B-DP-121 @B-STR-014
  Scenario: Frames are written as they happen
    Given a slow engine with 1 slot is bound to pool "default"
    When I submit task "t-1" with {"max_tokens": 100}
    Then the first token is read before the engine has sent its last
    And every event has the next number as its id

  @B-STR-023
  Scenario: A silent stream is kept open by comments
    Given the setting ORCHD_SSE_HEARTBEAT_MS is "100"
    And the setting ORCHD_FALLBACK is "wait"
    And task "t-1" waits
    When somebody reads task "t-1"
    Then comments come while it waits

  @B-DP-122
  Scenario: A verbose reader is told where its task stands
    Given a slow engine with 1 slot is bound to pool "default"
    And task "running" is running
    And task "t-1" waits
    When I read task "t-1" verbosely for a while
    Then it is told its queue_position and predicted_start_ms in a frame without an id
    And a sentence for people is in it

  @B-DP-122
  Scenario: A long stream tells its figures now and then
    Given a slow engine with 1 slot is bound to pool "default"
    And task "t-1" with {"max_tokens": 100} waits or runs
    When I read task "t-1"
    Then metrics events come at least 250 ms apart
    And each has "queue_depth, on_time_probability, kv_warmth, tokens_budget_remaining, time_budget_remaining_ms, cost_budget_remaining"

  @B-DP-124
  Scenario: A reader that comes back goes on where it was
    Given an engine with 1 slot is bound to pool "default"
    And task "t-1" with {"max_tokens": 12} waits or runs
    When I read task "t-1" again after its event 5
    Then the first event that I get is number 6
    And the last is the end

  @B-DP-142 @B-DP-204 @B-DP-201
  Scenario: A cancelled task holds nothing
    Given a slow engine with 1 slot is bound to pool "default"
    And task "running" is running
    And task "waiting" waits
    When I cancel the tasks "running, waiting"
    Then the engine works for nobody
    And the pool has 1 free slot and a queue_depth of 0

  @B-DP-143
  Scenario: The record of an ended task expires
    Given the setting ORCHD_TASK_RETENTION_MS is "200"
    And task "t-1" waits
    When I cancel task "t-1"
    Then task "t-1" is unknown before long

  @B-DP-144 @B-OBS-020 @B-OBS-021 @B-OBS-022 @B-OBS-023
  Scenario: The log tells a task's story in JSON lines, with a sentence for people
    Given an engine with 1 slot is bound to pool "default"
    When I submit task "t-1" with {"session_id": "s-1"}
    Then task "t-1" ends as completed
    And the log line "task_admitted" has "job_id, session_id, queue_position, predicted_start_ms, human"
    And the log line "task_completed" has "job_id, session_id, engine, engine_version, pool_id, replica_id, tokens_in, tokens_out, decode_time_ms, human"

  @B-OBS-024
  Scenario: No prompt, output, key or token is logged or counted
    Given an engine with 1 slot is bound to pool "default"
    When I submit task "t-1" with {"prompt": "canary-prompt"}
    Then task "t-1" ends as completed
    And "canary-prompt" stands nowhere in the log
    And neither the API key nor the worker token stands in log or metrics

  @B-STR-020
  Scenario: A frame is id, event and data
    Given an engine with 1 slot is bound to pool "default"
    And task "t-1" with {"max_tokens": 3} waits or runs
    When I ask for the events of task "t-1"
    Then I receive 200 OK
    And every frame has an id, an event and a line of data, in this order

  @B-DP-123 @B-DP-121
  Scenario: The end has the engine's own count
    Given an engine with 1 slot is bound to pool "default"
    And task "t-1" with {"max_tokens": 7} waits or runs
    When I read task "t-1"
    Then it has the tokens 0 to 6
    And the end counts 7 tokens and has the time they took, under both of its names

  @B-DP-128
  Scenario: What came from the engine's cache, and how long the prompt took, is in the end, in the record and in the metrics
    Given an engine that takes 40 ms for a prompt and has 3 of its tokens in its cache is bound to pool "default"
    When I submit task "t-1" with {"prompt": "One two three four five."}
    Then task "t-1" ends as completed
    And its end and its record tell 3 cached tokens and the same prompt time, 40 ms or more
    And tokens_cached_total is 3 and latency_prompt_ms has one observation
    And the log line "task_completed" has "tokens_cached, prompt_time_ms"
