Feature: Files, as OpenAI's API has them

  What a client uploads is on disk when it is told so, and gone from disk when it has deleted it.

  @B-FIL-001
  Scenario: A file is uploaded, read and deleted
    When I upload "one line" for "batch"
    Then I receive 200 OK
    And it is a file of 8 bytes for "batch"
    And its content is "one line"
    And once it is deleted it is not found any more

  @B-FIL-002
  Scenario: Files are listed by purpose, newest first
    Given I have uploaded "a" for "batch"
    And I have uploaded "bb" for "user_data"
    And I have uploaded "ccc" for "batch"
    When I list the files for "batch"
    Then they have 3, 1 bytes

  @B-FIL-003
  Scenario Outline: What is no good upload is refused by name
    Given the setting ORCHD_FILE_MAX_BYTES is "1024"
    When I upload <content> for "<purpose>"
    Then the error has status <status>, about "<field>"
    And no file is there

    Examples:
      | content             | purpose | status | field   |
      | ""                   | batch   | 400    | file    |
      | "x"                 | fun     | 400    | purpose |
      | a text of 2000 bytes | batch   | 413    | file    |
