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
