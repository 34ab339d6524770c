Feature: What every answer carries

  A request can be followed from its answer, whatever became of it.

  @B-MW-001
  Scenario Outline: An id that cannot stand in a log line is replaced, not echoed
    Given a client request whose X-Correlation-Id <fault>
    When I make a request to any endpoint
    Then I receive 200 OK
    And the correlation ID is a valid UUIDv4

    Examples:
      | fault              |
      | is too long        |
      | has a space        |
      | is not ASCII       |
      | is empty           |

  @B-MW-001
  Scenario: An id of 128 visible characters is kept
    Given a client request whose X-Correlation-Id has 128 characters
    When I make a request to any endpoint
    Then the response includes the X-Correlation-Id that was sent

  @B-MW-004 @B-DP-030 @B-ERR-010
  Scenario Outline: Refusals before any handler carry it too
    Given the setting ORCHD_BODY_LIMIT_BYTES is "1024"
    When I send <request>
    Then I am refused with <status> <code>
    And the response includes X-Correlation-Id header
    And the envelope has the same correlation id

    Examples:
      | request                      | status | code                   |
      | a request to no route        | 404    | ROUTE_NOT_FOUND        |
      | a body that is no JSON       | 400    | INVALID_PARAMS         |
      | a body that is too large     | 413    | BODY_TOO_LARGE         |
      | a body of another media type | 415    | UNSUPPORTED_MEDIA_TYPE |
      | bytes that are no request    | 400    | INVALID_PARAMS         |

  @B-ERR-018 @B-MW-004
  Scenario Outline: A path that is there says which methods it has
    Given a client request without X-Correlation-Id header
    When I send <method> to <path>
    Then I am refused with 405 METHOD_NOT_ALLOWED
    And the header Allow is "<allowed>"
    And the envelope has the same correlation id

    Examples:
      | method | path                              | allowed                    |
      | PUT    | /v2/tasks                         | GET, HEAD, OPTIONS, POST   |
      | GET    | /v2/tasks/t-1/cancel?reason=none  | OPTIONS, POST              |
      | POST   | /v2/catalog/models/m-1            | DELETE, GET, HEAD, OPTIONS |
      | POST   | /%76%32/meta/version              | GET, HEAD, OPTIONS         |
      | TRACE  | /v2/sessions/s-1                  | DELETE, GET, HEAD, OPTIONS |
      | LOCK   | /v2/artifacts                     | GET, HEAD, OPTIONS, POST   |

  @B-ERR-018
  Scenario: A HEAD opens no stream
    When I send HEAD to /v2/tasks/t-1/events
    Then I receive 405 Method Not Allowed
    And the header Allow is "GET, OPTIONS"

  @B-ERR-018
  Scenario: Asking for the options of a path is answered
    When I send OPTIONS to /v2/pools/p-1/drain
    Then I receive 204 No Content
    And the header Allow is "OPTIONS, POST"

  @B-ERR-018
  Scenario Outline: A HEAD is a GET without the body
    When I send HEAD to <path>
    Then I receive 200 OK
    And the response has no body

    Examples:
      | path             |
      | /healthz         |
      | /v2/tasks        |
      | /v2/meta/version |

  @B-MW-010 @B-MW-004
  Scenario Outline: Probes and metrics need no key
    Given no API key is provided
    When I get <path>
    Then I receive 200 OK
    And the response includes X-Correlation-Id header

    Examples:
      | path     |
      | /healthz |
      | /readyz  |
      | /metrics |
