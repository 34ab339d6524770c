Feature: Data Plane - Stand-in

  Whoever tries the service without an engine sees how things go; real work is never answered by a stand-in because an engine is down.

  @B-DP-112 @B-DP-154
  Scenario: A newcomer without an engine is answered by the stand-in, which says what it is
    Given task "t-1" waits
    When I read task "t-1"
    Then task "t-1" ends as completed
    And the "started" event of task "t-1" says that a stand-in answers

  @B-DP-112
  Scenario: A task that names its pool waits for that pool
    Given task "t-1" with {"placement": {"pin_pool_id": "gpu-7"}} waits
    And somebody reads task "t-1"
    When an engine with 1 slot is bound to pool "gpu-7"
    Then task "t-1" ends as completed
    And it ran on "gpu-7/r0"

  @B-DP-112
  Scenario: Once there was an engine, tasks wait for one, over a restart too
    Given an engine with 1 slot is bound to pool "default"
    And the replica "default/r0" is taken away
    And the service was killed and started again
    And task "t-1" waits
    And somebody reads task "t-1"
    When an engine with 1 slot is bound to pool "other"
    Then task "t-1" ends as completed
    And it ran on "other/r0"
