Feature: Documents in the store

  @B-ART-001 @B-ART-012
  Scenario Outline: Any JSON is a document
    Given an artifacts endpoint
    When I store the document <document>
    Then I receive 201 Created
    And it is read back as <document>

    Examples:
      | document                |
      | null                    |
      | "text"                  |
      | [1, {"a": []}]          |
      | {"ä": "\u20ac", "z": 1} |

  @B-ART-001 @B-ERR-011
  Scenario Outline: A document has bounds
    Given an artifacts endpoint
    When I store a document that <fault>
    Then I am refused with <status> <code>

    Examples:
      | fault                   | status | code           |
      | is larger than 1 MiB    | 413    | BODY_TOO_LARGE |
      | is nested 65 levels     | 400    | INVALID_PARAMS |

  @B-ART-013
  Scenario: Documents are listed, newest first
    Given an artifact with id "first" exists
    And a transcript exists
    And another artifact with id "second" exists
    When I list the artifacts of kind "document"
    Then I receive 200 OK
    And the list is "second, first"

  @B-ART-013
  Scenario: A document can be deleted
    Given an artifact with id "abc123" exists
    When I delete artifact "abc123"
    Then I receive 204 No Content
    And artifact "abc123" is unknown

  @B-ART-021 @B-ART-023 @B-ERR-014
  Scenario: A document that was changed on disk is not given out
    Given an artifact with id "abc123" exists
    And the file of artifact "abc123" has been changed
    When I get artifact "abc123"
    Then I am refused with 500 INTERNAL
    And the error is not retriable and tells nothing of the inside
