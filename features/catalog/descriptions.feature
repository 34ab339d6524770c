Feature: Descriptions of models

  The catalogue keeps what it is told, within bounds.

  @B-CAT-001 @B-CAT-006 @B-CAT-010
  Scenario: All of a description is kept
    Given a catalog endpoint
    When I describe a model "org/llama:8b" in full
    Then I receive 201 Created
    And model "org/llama:8b" is shown as it was described
    And the catalogue lists "org/llama:8b"

  @B-CAT-003
  Scenario Outline: A digest names its algorithm
    Given a catalog endpoint
    When I create a model with id "m" and digest "<digest>"
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "digest"

    Examples:
      | digest   |
      | abc123   |
      | sha256:  |
      | :abc123  |

  @B-CAT-007
  Scenario Outline: A file outside the model directory is no model's
    Given a catalog endpoint
    When I create a model with its file at "<path>"
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "local_path"

    Examples:
      | path           |
      | ../secret      |
      | /etc/hostname  |
      | a/../../secret |

  @B-CAT-031
  Scenario: A retired model can be taken back
    Given a model "llama-3-8b" is retired
    When I set model state to Active
    Then I receive 202 Accepted
    And a task for model "llama-3-8b" is accepted
