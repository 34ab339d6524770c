Feature: Names of models

  A client asks for a model by a name that it has been given, whatever the engines call theirs.

  Background:
    Given the setting ORCHD_MODEL_ALIASES is '{"gpt-4o": ["large", "some-model@gpu"], "far": "some-model@elsewhere"}'

  @B-V1-015
  Scenario Outline: An alias is answered by the first of its models that is served, under its own name
    Given a vLLM engine with 4 slots is bound
    When I ask for a chat with {"model": "gpt-4o", "stream": <stream>}
    Then I receive 200 OK
    And it is answered as "gpt-4o"
    And the engine was asked for the model "some-model"

    Examples:
      | stream |
      | false  |
      | true   |

  @B-V1-015
  Scenario: What comes first in a chain is used once it is there
    Given a vLLM engine with 4 slots is bound
    And a vLLM engine with the model "large" is bound to pool "big"
    When I ask for a chat with {"model": "gpt-4o"}
    Then it is answered as "gpt-4o"
    And it was run in pool "big"

  @B-V1-015
  Scenario: What comes first in a chain and is down is passed over
    Given a vLLM engine with the model "large" is bound to pool "big"
    And the engine in pool "big" has stopped
    And a vLLM engine with 4 slots is bound
    When I ask for a chat with {"model": "gpt-4o"}
    Then it was run in pool "gpu"

  @B-V1-015
  Scenario Outline: An alias is known, whatever is there, and unavailable where nothing of it is
    Given a vLLM engine with 4 slots is bound
    And a client request with X-Orchd-Pool "<pool>"
    When I ask for a chat with {"model": "<model>"}
    Then the answer is an error 503 of type "server_error", with the code "pool_unavailable"

    Examples:
      | model  | pool      |
      | far    | elsewhere |
      | gpt-4o | elsewhere |

  @B-V1-015
  Scenario: A task of /v2 names its model so as well
    Given a vLLM engine with 4 slots is bound
    When I submit task "t-1" with {"model_ref": "gpt-4o"}
    Then task "t-1" ends as completed
    And its record and its stream say that "some-model" ran

  @B-V1-016
  Scenario: Aliases and what the catalogue has are listed with the engines' models
    Given a vLLM engine with 4 slots is bound
    And the catalogue has the file "b.gguf" as "filed"
    And the catalogue has the file "old.gguf" as "gone", and that is retired
    When I send GET to /v1/models
    Then the models are "far, filed, gpt-4o, some-model"
    When I send GET to /v1/models/gpt-4o
    Then I receive 200 OK
    When I send GET to /v1/models/filed
    Then I receive 200 OK
    When I ask for a chat with {"model": "filed"}
    Then the answer is an error 503 of type "server_error", with the code "pool_unavailable"

  @B-V1-017
  Scenario: Where there never was an engine the stand-in answers to its own name, and to no other
    When I ask for a chat with {"model": "deterministic"}
    Then I receive 200 OK
    And it is answered as "deterministic"
    When I send GET to /v1/models
    Then the models are "deterministic, far, gpt-4o"
    When I ask for a chat
    Then the answer is an error 404 of type "invalid_request_error", with the code "model_not_found"

  @B-V1-017
  Scenario: Where there was an engine the stand-in is no model
    Given a vLLM engine with 4 slots is bound
    When I ask for a chat with {"model": "deterministic"}
    Then the answer is an error 404 of type "invalid_request_error", with the code "model_not_found"
