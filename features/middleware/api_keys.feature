Feature: API keys and identities

  Keys open the service, and can be changed without a restart.

  @B-MW-013 @B-MW-022
  Scenario: A configured key opens the service, with no bearer token
    Given the setting ORCHD_API_KEYS is "first,second"
    When I ask for the version with key "second"
    Then I receive 200 OK

  @B-MW-013
  Scenario: A key file is read again when it changes
    Given the key file has the key "old"
    And a request with key "old" is let in
    When the key file has the key "new" instead
    Then a request with key "new" is let in before long
    And a request with key "old" is refused with 403

  @B-MW-013
  Scenario: Without keys a loopback service answers to the development key under a loopback name only
    Given the setting ORCHD_API_KEYS is ""
    When I ask for the version with key "valid" under the host name "attacker.example"
    Then I am refused with 403 HOST_NOT_ALLOWED
    And a request with key "valid" is let in
    And the log has the event "development_key"

  @B-MW-020 @B-MW-021
  Scenario: A bearer token gives the request an identity that does not give it away
    Given a Bearer token "canary-token" is provided
    When I submit task "t-1"
    Then the log names the identity of "canary-token"
    And "canary-token" stands nowhere in the log

  @B-MW-003
  Scenario: The correlation id travels to the log and to the engine
    Given an engine with 1 slot is bound to pool "default"
    And a client request with X-Correlation-Id header "trace-7"
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And every log line of task "t-1" has the correlation id "trace-7"
    And the engine was sent the correlation id "trace-7"
