Feature: Data folder

  What is acknowledged is where the next start looks for it.

  @B-STO-001
  Scenario: A data folder that was deleted takes no task
    Given a task "t-1" has been enqueued
    And the data folder has been deleted
    When I enqueue a task
    Then I am refused with 503 STORAGE_UNAVAILABLE
    And the log has the event "journal_gone"

  @B-STO-002
  Scenario: A document that is sent again after its folder was deleted is not taken for stored
    Given an artifact with id "abc123" exists
    And the data folder has been deleted
    When I store the document {"title": "a document", "items": [1, 2, 3]}
    Then I am refused with 503 STORAGE_UNAVAILABLE

  @B-STO-002
  Scenario: A model is not registered in a catalogue that was deleted
    Given a model "llama-3-8b" exists in catalog
    And the data folder has been deleted
    When I set model state to Retired
    Then I am refused with 503 STORAGE_UNAVAILABLE
