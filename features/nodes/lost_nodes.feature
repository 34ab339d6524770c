Feature: Nodes and stores that are lost

  @B-ND-005
  Scenario: What a killed node has left is run by another, or ended where output was seen
    Given two nodes over one store, and an engine with one slot
    And the first node runs a long task, and another one waits
    When the first node is killed
    Then the stream of the long task ends at the second node with ORCHESTRATOR_RESTARTED
    And the task that waited is completed

  @B-ND-006
  Scenario: While the store is away nothing is acknowledged, and work goes on when it is back
    Given two nodes over one store, and an engine
    When the store is killed
    Then a submission to the first node is refused with STORAGE_UNAVAILABLE
    When the store is started again
    Then a task is accepted by the first node and completed

  @B-ND-028
  Scenario: A node that is cut off from the store is not ready, and the others are
    Given two nodes over one store, the first by a way that can be cut
    When the first node is cut off from the store
    Then the first node is not ready, for STORAGE_UNAVAILABLE, and says when to ask again
    And what is submitted to it is refused, with when to come again, and the connection closed
    And the first node is alive, and the second ready
    When the way of the first node is mended
    Then the first node is ready, and takes a task

  @B-ND-007
  Scenario: A node does not start on a store that cannot give what is asked
    Given a store that throws keys away when its memory is full
    When a node is started on it
    Then it does not start, and says to set "maxmemory-policy noeviction"

  @B-ND-007
  Scenario: A node that is to acknowledge what is on the disk does not start on a store that writes none
    Given a store that writes nothing to its disk
    When a node is started on it that acknowledges what is on the disk
    Then it does not start, and says to set "appendonly yes"
