Feature: Models

  A task runs the model that it names and no other, and its record says which one ran.

  @B-DP-113
  Scenario Outline: A model is meant by any of its names
    Given an engine with the model "prod" from "/models/tiny-a.gguf", also called "stable", is bound to pool "default"
    When I submit task "t-1" with {"model_ref": "<name>"}
    Then task "t-1" ends as completed
    And its record and its stream say that "prod" ran

    Examples:
      | name        |
      | prod        |
      | stable      |
      | tiny-a.gguf |
      | tiny-a      |

  @B-DP-113 @B-DP-114
  Scenario: A name that nobody has is refused, also by an engine with one model
    Given an engine with the model "prod" from "/models/tiny-a.gguf", also called "stable", is bound to pool "default"
    When I submit task "t-1" with {"model_ref": "other"}
    Then I am refused with 503 POOL_UNAVAILABLE
    And the error message mentions "prod"
    And the engine was asked 0 times

  @B-DP-113
  Scenario: On a router a task that names no model gets the one that is loaded
    Given a router engine with the models "tiny-a, tiny-b" is bound to pool "default"
    And the pool has loaded "tiny-b"
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And its record and its stream say that "tiny-b" ran
    And pool "default" shows "tiny-b" as loaded

  @B-DP-113
  Scenario: What a task had a router load is loaded for those after it, whenever the next round of probes is
    Given the setting ORCHD_PROBE_INTERVAL_MS is "600000"
    And a router engine with the models "tiny-a, tiny-b" is bound to pool "default"
    And task "t-1" with {"model_ref": "tiny-b"} is served
    And pool "default" soon shows "tiny-b" as loaded
    When I submit task "t-2"
    Then task "t-2" ends as completed
    And its record and its stream say that "tiny-b" ran

  @B-DP-113
  Scenario: On a router with nothing loaded and a choice, a task has to name a model
    Given a router engine with the models "tiny-a, tiny-b" is bound to pool "default"
    When I submit task "t-1"
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "model_ref"
    And the error message mentions "tiny-a, tiny-b"

  @B-DP-113
  Scenario: The file's name will do for a router, which does not know it itself
    Given a router engine with the models "tiny-a, tiny-b" is bound to pool "default"
    When I submit task "t-1" with {"model_ref": "tiny-b.gguf"}
    Then task "t-1" ends as completed
    And its record and its stream say that "tiny-b" ran

  @B-DP-156
  Scenario: A context that no slot has is refused, and the largest there is is named
    Given an engine with 2 slots is bound to pool "default"
    When I submit task "t-1" with {"ctx": 8192}
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "ctx"
    And the error message mentions "4096"

  @B-DP-156
  Scenario: A task goes only where its context fits
    Given an engine with a context of 1024 is bound to pool "a-small"
    And an engine with a context of 8192 is bound to pool "large"
    When I submit task "t-1" with {"ctx": 4096}
    Then task "t-1" ends as completed
    And it ran on "large/r0"

  @B-DP-155 @B-ERR-012
  Scenario: A model that cannot be loaded ends its task at once, with the engine's reason
    Given a router engine with the models "broken, tiny-a" is bound to pool "default"
    And it cannot load "broken"
    When I submit task "t-1" with {"model_ref": "broken"}
    Then the stream of task "t-1" ends with the error MODEL_LOAD_FAILED
    And the error says "model name=broken failed to load"
    And pool "default" has the models "tiny-a", and "broken" has failed with "failed to load"

  @B-DP-155
  Scenario: While it counts as failed nobody waits for it, and it is not named among those there are
    Given the setting ORCHD_MODEL_RETRY_MS is "20000"
    And the setting ORCHD_PROBE_INTERVAL_MS is "10000"
    And a router engine with the models "broken, tiny-a" is bound to pool "default"
    And it cannot load "broken"
    And task "t-1" with {"model_ref": "broken"} has failed
    When I submit task "t-2" with {"model_ref": "broken"}
    Then I am refused with 503 POOL_UNAVAILABLE
    And the error message mentions "failed to load"
    And the error message mentions "there are: tiny-a"
    And the header Retry-After is "30"
    And the engine was asked 1 time

  @B-DP-155
  Scenario: Those that wait for the same model end with the first
    Given a router engine with 1 slot and the model "broken" is bound to pool "default"
    And it cannot load "broken"
    When I submit 3 tasks at once with {"model_ref": "broken"}
    Then the tasks "t-0, t-1, t-2" fail with MODEL_LOAD_FAILED
    And the engine was asked 1 time

  @B-DP-155
  Scenario: It is tried again after a while
    Given the setting ORCHD_MODEL_RETRY_MS is "300"
    And a router engine with the models "broken, tiny-a" is bound to pool "default"
    And it cannot load "broken"
    And task "t-1" with {"model_ref": "broken"} has failed
    And it can load everything again
    When pool "default" has the models "broken, tiny-a" again
    Then task "t-2" with {"model_ref": "broken"} is served

  @B-DP-155 @B-DP-116
  Scenario: Another replica that has the model takes the task over
    Given a router engine with the models "broken" is bound to pool "default"
    And it cannot load "broken"
    And an engine with the model "broken" from "/models/broken.gguf", also called "whole", is bound to pool "other"
    When I submit task "t-1" with {"model_ref": "broken", "placement": {"prefer_pools": ["default"]}}
    Then task "t-1" ends as completed
    And it ran on "other/r0"
