Feature: Kinds of engines

  Whatever an engine speaks, a task that runs on it is submitted, read and cancelled in the same way.

  @B-ENG-001
  Scenario Outline: An engine of each kind serves tasks
    Given an engine of the kind "<kind>" with 2 slots is bound to pool "default"
    When I submit task "t-1" with {"model_ref": "some-model", "max_tokens": 6} and wait up to 30 seconds
    Then I receive 200 OK
    And it ran on an engine of the kind "<kind>", and its output has 6 tokens that ended for want of more

    Examples:
      | kind     |
      | llamacpp |
      | openai   |
      | vllm     |
      | sglang   |
      | ollama   |
      | tgi      |
      | triton   |

  @B-ENG-002
  Scenario Outline: The kind is found out where nobody says it
    When an engine of the kind "<kind>" registers without saying so, at an address that ends with "/v1"
    Then I receive 200 OK
    And the answer says that it is of the kind "<kind>"
    And the same address without that is the same engine

    Examples:
      | kind   |
      | vllm   |
      | sglang |
      | ollama |
      | tgi    |
      | triton |

  @B-ENG-003
  Scenario Outline: An engine that fails in the middle is a failure, however well its stream ends
    Given an engine of the kind "<kind>" with 2 slots is bound to pool "default"
    And it fails with "error-after=2"
    When I submit task "t-1" with {"model_ref": "some-model", "max_tokens": 6} and wait up to 30 seconds
    Then I receive 200 OK
    And the task failed with WORKER_RESET, and the message mentions "engine"

    Examples:
      | kind     |
      | llamacpp |
      | vllm     |
      | sglang   |
      | ollama   |
      | tgi      |
      | triton   |

  @B-ENG-003
  Scenario Outline: An engine without room is asked again, whatever it says that with
    Given an engine of the kind "<kind>" with 2 slots is bound to pool "default"
    And it fails with "503=1"
    When I submit task "t-1" with {"model_ref": "some-model", "max_tokens": 2} and wait up to 30 seconds
    Then I receive 200 OK
    And the task was completed once the engine had room

    Examples:
      | kind     |
      | llamacpp |
      | vllm     |
      | sglang   |
      | ollama   |
      | tgi      |
      | triton   |

  @B-ENG-004
  Scenario: An engine that tells of no slots gets as many requests as its registration says
    Given an engine of the kind "vllm" with 4 slots is bound to pool "default" for 2 at once
    When 6 tasks are submitted to it at once
    Then all of them end as completed
    And the engine never had more than 2 of them

  @B-ENG-005
  Scenario: A batch task is told to come after others inside the engine
    Given an engine of the kind "vllm" with 2 slots is bound to pool "default"
    When I submit task "t-1" with {"priority": "batch", "max_tokens": 2} and wait up to 30 seconds
    Then I receive 200 OK
    And the engine was told the priority 1
