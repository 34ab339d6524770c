Feature: Limits of admission

  What is refused is refused at once, with the reason and advice.

  @B-DP-004 @B-DP-030 @B-DP-034 @B-DP-035 @B-ERR-005
  Scenario: A task that expects too many tokens is refused
    Given an OrchQueue API endpoint
    When I submit task "t-1" with {"expected_tokens": 1000000}
    Then I am refused with 429 ADMISSION_REJECT
    And the error names the field "expected_tokens"
    And the error is not retriable and tells nothing of the inside
    And the response includes X-Correlation-Id header
    And tasks_rejected_total and admission_backpressure_events_total have counted it

  @B-DP-006
  Scenario Outline: No magic word fails a task
    Given an OrchQueue API endpoint
    When I submit task "t-1" with <task>
    Then I receive 202 Accepted

    Examples:
      | task                                        |
      | {"prompt": "simulate-pool-unavailable"}     |
      | {"prompt": "cause-internal"}                |
      | {"model_ref": "pool-unavailable"}           |

  @B-ERR-010 @B-ERR-011 @B-ERR-013 @B-ERR-014
  Scenario: An error names the field, what was wrong and what is allowed
    Given an OrchQueue API endpoint
    When I submit task "t-1" with {"placement": {"pin_pool_id": "../etc"}}
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "placement.pin_pool_id"
    And the error is not retriable and tells nothing of the inside

  @B-DP-007
  Scenario Outline: What steers engines and does not work here is refused by name, and so is what they would misread
    Given an OrchQueue API endpoint
    When I submit task "t-1" with <task>
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "<field>"

    Examples:
      | task                             | field          |
      | {"system": "Be brief."}          | system         |
      | {"options": {"num_ctx": 8}}      | options        |
      | {"id_slot": 0}                   | id_slot        |
      | {"n": 0}                         | n              |
      | {"max_new_tokens": 5}            | max_new_tokens |
      | {"repeat_penalty": 0}            | repeat_penalty |
      | {"stop": [""]}                   | stop           |
      | {"seed": 4294967295}             | seed           |

  @B-CFG-001 @B-CFG-002 @B-DP-013
  Scenario: The capacity is what was set
    Given the setting ORCHD_ADMISSION_CAPACITY is "2"
    And task "a" waits
    And task "b" waits
    When I submit task "c"
    Then I am refused with 429 ADMISSION_REJECT

  @B-DP-014 @B-CFG-002
  Scenario: Under drop-lru the oldest gives up its place and is told
    Given an OrchQueue API endpoint with drop-lru policy
    And the queue is at capacity
    When I submit task "new"
    Then I receive 202 Accepted
    And the stream of task "waiting-0" ends with the error QUEUE_FULL_DROP_LRU

  @B-DP-012
  Scenario: The same task sent twice is admitted once
    Given task "t-1" waits
    When I submit task "t-1"
    Then I receive 202 Accepted
    And one task is queued

  @B-DP-012
  Scenario: Another body under a known id is a conflict
    Given task "t-1" waits
    When I submit task "t-1" with {"prompt": "Something else."}
    Then I am refused with 409 TASK_CONFLICT

  @B-DP-010 @B-DP-011
  Scenario: A batch task goes after interactive ones until it has waited long enough
    Given the setting ORCHD_BATCH_AGEING_MS is "1500"
    And a batch task "patient" waits
    And task "eager" waits
    When 1600 ms later task "late" waits too
    Then the order of the queue is "eager, patient, late"

  @B-DP-114
  Scenario: A model that no replica has is refused with the models there are
    Given a router engine with the models "tiny-a, tiny-b" is bound to pool "default"
    When I submit task "t-1" with {"model_ref": "tiny-z"}
    Then I am refused with 503 POOL_UNAVAILABLE
    And the error message mentions "tiny-a, tiny-b"
