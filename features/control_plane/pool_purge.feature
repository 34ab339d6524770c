Feature: Purging a pool

  A purge does what it says, and says what it could not do.

  @B-CP-040 @B-CP-041
  Scenario: Models are unloaded
    Given a router engine with the models "tiny-a, tiny-b" is bound to pool "default"
    And the pool has loaded "tiny-a"
    When I purge pool "default" with {"purge_models": ["tiny-a"], "note": "any"}
    Then I receive 202 Accepted
    And the purge has done "unload tiny-a on r0"
    And the engine was made to unload "tiny-a"

  @B-CP-041
  Scenario: Their files under the model directory are deleted
    Given a pool "default" exists
    And the model file "tiny-a.gguf" holds "weights"
    And a model "tiny-a" with that file and its digest is in the catalogue
    When I purge pool "default" with {"purge_models": ["tiny-a"], "delete_cache_dirs": true}
    Then the purge has done "delete cached files of tiny-a"
    And the model file "tiny-a.gguf" is gone

  @B-CP-041
  Scenario: KV slots are erased where the engine can
    Given an engine that can erase slots is bound to pool "default"
    When I purge pool "default" with {"purge_engine": true}
    Then the purge has done "erase KV slots on r0"
    And the engine's slots were erased

  @B-CP-041
  Scenario: What an engine cannot do is told with its reason
    Given an engine with 1 slot is bound to pool "default"
    When I purge pool "default" with {"purge_engine": true}
    Then the purge could not do "erase KV slots on r0", and says why
    And the log has the event "pool_purged"

  @B-CP-041
  Scenario: A file outside the model directory is out of reach
    Given a pool "default" exists
    And a file "precious" beside the model directory
    When I purge pool "default" with {"purge_models": ["../precious"], "delete_cache_dirs": true}
    Then the purge could not do "delete cached files of ../precious", and says why
    And the file "precious" is still there
