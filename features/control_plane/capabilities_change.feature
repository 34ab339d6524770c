Feature: Capabilities follow the bindings

  What a client has learned stays true, or it is told.

  @B-CP-002
  Scenario: A client that has the snapshot is not sent it again
    Given I have the capabilities
    When I request capabilities unless they are what I have
    Then I receive 304 Not Modified
    And the response has no body

  @B-CP-002 @B-CP-003
  Scenario: A new binding makes a new snapshot, from what is really bound
    Given I have the capabilities
    And an engine with 3 slots is bound to pool "gpu-1"
    When I request capabilities unless they are what I have
    Then I receive 200 OK
    And the engine "llamacpp" is listed with 3 slots, its context and its features

  @B-CP-003
  Scenario: Its version is that of the OpenAPI document
    Given a Control Plane API endpoint
    When I request capabilities
    Then its api_version is the version of the OpenAPI document
