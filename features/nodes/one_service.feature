Feature: One service of several nodes

  Nodes over one store are one service: whichever is asked, the answer is the same.

  @B-ND-001
  Scenario: A task of one node is streamed and told of at another
    Given two nodes over one store, and an engine
    When I submit a task of 12 tokens to the first node
    Then the second node streams its 12 tokens and its end
    And both nodes say that it is completed

  @B-ND-001
  Scenario: A task that runs at one node is cancelled at another
    Given two nodes over one store, and an engine
    And the first node runs a long task
    When I cancel it at the second node
    Then the engine is free
    And both nodes say that it is cancelled

  @B-ND-002
  Scenario: The same submission is one task, whichever nodes it is sent to
    Given two nodes over one store, and an engine
    When I submit the same task to both nodes
    Then both answers are the same
    And the engine has run it once

  @B-ND-003
  Scenario: A budget holds over nodes
    Given two nodes over one store, and an engine, with a budget of 20 tokens
    When I submit two tasks of 15 tokens of one session, one to each node
    Then one is accepted and the other is refused with BUDGET_EXHAUSTED

  @B-ND-004
  Scenario: A pool of one node is a pool of all
    Given two nodes over one store
    When a worker registers an engine at the first node
    Then the second node has its pool, ready
    When the pool is drained at the second node
    Then the first node says that it drains
    When the engine is unbound at the second node
    Then the first node has no such replica
