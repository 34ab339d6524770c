Feature: Handoffs that change

  @B-BG-002
  Scenario: A file event is not left for the next scan
    Given the setting ORCHD_HANDOFF_WATCH_INTERVAL_MS is "60000"
    And the handoff watcher is running
    When I create a new handoff file
    Then the new handoff is processed

  @B-BG-005
  Scenario: A dead replica is replaced when its file brings a new address
    Given a handoff file exists at .runtime/engines/pool-gpu0.json
    And the handoff watcher has bound it
    And its engine is gone
    When the handoff file brings the address of another engine
    Then task "t-1" pinned to "gpu-0" is served by the other engine

  @B-BG-004
  Scenario: A bad file is tried again when it changes
    Given a partial handoff file has been ignored
    When the handoff file brings the address of another engine
    Then task "t-1" pinned to "gpu-0" is served by the other engine
