@map
Feature: Background Services - Handoff Autobind

  An engine that leaves a handoff file is bound by itself.

  @B-BG-001 @B-BG-003 @B-BG-004 @B-BG-006 @B-BG-007 @B-BG-008 @B-BG-009 @B-BG-010 @B-BG-011
  Scenario: 12.1 Autobind from handoff file
    Given a handoff file exists at .runtime/engines/pool-gpu0.json
    And the handoff contains url, pool_id, replica_id
    When the handoff watcher processes the file
    Then an adapter is bound to the pool
    And the pool is registered as ready
    And the pool is marked as bound
    And a narration breadcrumb is emitted

  @B-BG-005
  Scenario: 12.2 Skip already bound pool
    Given a pool "gpu-0" is already bound
    And a handoff file for "gpu-0" exists
    When the handoff watcher processes the file
    Then the pool is not re-bound

  @B-BG-001 @B-BG-002 @B-BG-012
  Scenario: 12.3 Watcher runs continuously
    Given the handoff watcher is running
    When I create a new handoff file
    And I wait for the poll interval
    Then the new handoff is processed
