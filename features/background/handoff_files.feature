Feature: Handoff files of all kinds

  Whatever lies in the folder, the watch goes on.

  @B-BG-004 @B-BG-012
  Scenario: Hostile files are left alone, with one line each, and good ones are bound
    Given handoff files that are partial, huge, foreign and links
    When I create a new handoff file
    Then the new handoff is processed
    And each of the bad files is ignored with a reason and one line

  @B-BG-005
  Scenario: A removed file unbinds its replica once it is idle
    Given a handoff file exists at .runtime/engines/pool-gpu0.json
    And the handoff watcher has bound it
    When I remove the handoff file
    Then the pool is gone

  @B-BG-012 @B-CFG-006 @B-CFG-007
  Scenario: The folder may go and come back
    Given the handoff watcher is running
    And the handoff folder is removed
    When I create a new handoff file
    Then the new handoff is processed

  @B-BG-013
  Scenario: A handoff in a mounted ConfigMap, written by an editor that marks its encoding, is bound
    Given the handoff folder is a mounted ConfigMap whose file begins with a byte order mark
    When the handoff watcher processes the file
    Then an adapter is bound to the pool
    And the pool is registered as ready
