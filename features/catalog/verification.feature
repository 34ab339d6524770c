Feature: Verified models

  A model is what its digest says, or it takes no tasks.

  @B-CAT-024 @B-CAT-007
  Scenario: A file that matches its digest passes
    Given the model file "good.gguf" holds "weights"
    And a model "good" with that file and its digest is in the catalogue
    When I verify model "good"
    Then its verification is passed with digest_match
    And catalog_verifications_total has counted passed

  @B-CAT-024
  Scenario: A model that fails verification takes no tasks
    Given the model file "bad.gguf" holds "tampered"
    And a model "tampered" with that file and another digest is in the catalogue
    And its verification has failed
    When I submit task "t-1" with {"model_ref": "tampered"}
    Then I am refused with 409 MODEL_UNVERIFIED

  @B-CAT-024
  Scenario: Without a file there is nothing to verify
    Given a model "llama-3-8b" exists in catalog
    When I verify model "llama-3-8b"
    Then its verification is skipped with no_file

  @B-CAT-023
  Scenario: An unknown model cannot be verified
    Given a catalog endpoint
    When I verify model "unknown"
    Then I am refused with 404 MODEL_NOT_FOUND

  @B-CAT-033
  Scenario: A retirement with a deadline lets the model serve until then
    Given a model "llama-3-8b" exists in catalog
    When I retire model "llama-3-8b" in 60000 ms
    Then a task for model "llama-3-8b" is accepted

  @B-CAT-032 @B-CAT-035
  Scenario: A retired model takes no new tasks, and another word is no state
    Given a model "old-model" is retired
    When I submit task "t-1" with {"model_ref": "old-model"}
    Then I am refused with 409 MODEL_RETIRED
    And the state "Sleeping" is refused

  @B-CAT-042
  Scenario: Deleting a model deletes its file
    Given the model file "good.gguf" holds "weights"
    And a model "good" with that file and its digest is in the catalogue
    When I delete model "good"
    Then the model file "good.gguf" is gone

  @B-CAT-043
  Scenario: An unknown model cannot be deleted
    Given a catalog endpoint
    When I delete model "unknown"
    Then I am refused with 404 MODEL_NOT_FOUND

  @B-CAT-044
  Scenario Outline: A retired model is not to be had by any of its names, nor by none
    Given an engine with the model "prod" from "/models/tiny-a.gguf", also called "stable", is bound to pool "default"
    And the catalogue has the file "tiny-a.gguf" as "llama-3-8b", and that is retired
    When I submit task "t-1" with <task>
    Then I am refused with 409 MODEL_RETIRED

    Examples:
      | task                          |
      | {"model_ref": "llama-3-8b"}   |
      | {"model_ref": "stable"}       |
      | {"model_ref": "tiny-a.gguf"}  |
      | {}                            |

  @B-CAT-044 @B-DP-113
  Scenario: The id of the catalogue names the model that has its file
    Given an engine with the model "prod" from "/models/tiny-a.gguf", also called "stable", is bound to pool "default"
    And the catalogue has the file "tiny-a.gguf" as "llama-3-8b"
    When I submit task "t-1" with {"model_ref": "llama-3-8b"}
    Then task "t-1" ends as completed
    And its record and its stream say that "prod" ran
