Feature: Reloading a pool

  All replicas of a pool get the new model, or keep the old one.

  @B-CP-032 @B-CP-033 @B-CP-034
  Scenario: The pool is not ready while it reloads, and has the new model afterwards
    Given a router engine with the models "tiny-a, tiny-b" is bound to pool "default"
    And the pool has loaded "tiny-a"
    When I reload pool "default" with "tiny-b"
    Then the pool was not ready meanwhile
    And I receive 200 OK
    And the model_state of "tiny-b" is loaded, and that of "tiny-a" is not

  @B-CP-031 @B-CP-035
  Scenario: A model that cannot be loaded leaves the old one in place
    Given a router engine with the models "tiny-a, tiny-b" is bound to pool "default"
    And the pool has loaded "tiny-a"
    When I reload pool "default" with "no-such-model"
    Then I am refused with 409 RELOAD_FAILED
    And the pool is ready again with "tiny-a"

  @B-CP-031 @B-CAT-032
  Scenario: A retired model is not loaded
    Given a pool "default" exists
    And a model "old-model" is retired
    When I reload pool "default" with "old-model"
    Then I am refused with 409 MODEL_RETIRED
