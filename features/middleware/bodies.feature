Feature: Bodies of requests

  No client can hold up the others with what it sends, and each is told what is wrong with it.

  @B-MW-023
  Scenario Outline: Who may not send a body is told so before it comes
    When I send only the head of <request>
    Then I am refused with 401 <code>
    And the response includes X-Correlation-Id header

    Examples:
      | request                             | code            |
      | a task without a key                | UNAUTHENTICATED |
      | a registration without a token      | 40101           |
      | a registration with a wrong token   | 40102           |

  @B-MW-024
  Scenario: What all requests together hold of bodies is bounded
    Given the setting ORCHD_BODY_LIMIT_BYTES is "1048576"
    And the setting ORCHD_INTAKE_MAX_BYTES is "4194304"
    When 6 clients each send the first 900000 bytes of a task and no more
    Then one of them is refused with 503 INTAKE_FULL
    And the header Retry-After is "1"
    And a small task is accepted

  @B-MW-025
  Scenario: A client that closes its side once it has asked reads the answer
    When I send a task and close my side of the connection
    Then I receive 202 Accepted

  @B-MW-026
  Scenario Outline: A JSON answer ends with a line end
    When I get <path>
    Then the answer is one line of JSON

    Examples:
      | path         |
      | /healthz     |
      | /nowhere     |

  @B-MW-027
  Scenario: The root says what this is
    Given no API key is provided
    When I get /
    Then I receive 200 OK
    And the response includes name "orchestratord"
    And the response includes openapi "/openapi.json"

  @B-MW-028
  Scenario: A stop waits for no body
    Given a client that has sent half a task
    When the service is told to stop
    Then the client is refused with 503 SHUTTING_DOWN
    And the service ends in order

  @B-ERR-019
  Scenario Outline: A client that sends a large body first reads why it is refused
    When I send all of a body of 16 MiB <how>
    Then I am refused with <status> <code>

    Examples:
      | how                   | status | code                   |
      | without a key         | 401    | UNAUTHENTICATED        |
      | that is too large     | 413    | BODY_TOO_LARGE         |
      | of another media type | 415    | UNSUPPORTED_MEDIA_TYPE |

  @B-ERR-020
  Scenario: A body that is not UTF-8 is told so
    When I submit a task whose prompt is not UTF-8
    Then I am refused with 400 INVALID_PARAMS
    And the error message is "the body is not valid UTF-8"

  @B-ERR-021
  Scenario: A compressed body is refused with the name of its encoding
    When I submit a task that is compressed with gzip
    Then I am refused with 415 UNSUPPORTED_MEDIA_TYPE
    And the error message mentions "in the encoding gzip"

  @B-ERR-022
  Scenario Outline: A body that would take long to read is refused by what there is too much of
    When I submit a task with <too much>
    Then I am refused with 400 INVALID_PARAMS
    And the error message mentions "<allowed>"

    Examples:
      | too much                   | allowed                                  |
      | 300000 unknown members     | at most 16384 members                    |
      | a list of 300000 texts     | at most 32768 strings                    |
      | a list of 300000 numbers   | at most 163840 values                    |
      | a list of 100000 lists     | at most 32768 objects and arrays         |
      | a list of 100000 fractions | at most 131072 characters in its numbers |
      | lists 100000 levels deep   | at most 64 levels                        |
