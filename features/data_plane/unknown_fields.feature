Feature: Fields that are not known

  A field that changes nothing is named, so that a mistyped one is found; where to pass it over would do harm, it is refused.

  @B-DP-036
  Scenario: A submission is accepted and told of its unknown fields
    Given an OrchQueue API endpoint
    When I submit task "t-1" with {"tempature": 0.2, "metadata": {"user": "ada"}}
    Then I receive 202 Accepted
    And I am warned about "tempature", with "temperature" as what may be meant
    And I am warned about "metadata"

  @B-DP-036
  Scenario: A submission with nothing but known fields is told of none
    Given an OrchQueue API endpoint
    When I submit task "t-1" with {"temperature": 0.2, "placement": {"prefer_pools": ["a"]}}
    Then I receive 202 Accepted
    And I am warned about nothing

  @B-DP-036
  Scenario: However many there are, the warnings are few and short
    Given an OrchQueue API endpoint
    When I submit a task with 5000 unknown fields of 200 characters
    Then I receive 202 Accepted
    And there are at most 17 warnings, the last of which says how many more

  @B-DP-036
  Scenario: An unknown field of the placement is refused by name
    Given an OrchQueue API endpoint
    When I submit task "t-1" with {"placement": {"pin_pool": "gpu"}}
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "placement.pin_pool"
    And the error message mentions "pin_pool_id, prefer_pools, avoid_pools"

  @B-CP-060
  Scenario: An unknown field of a registration is refused by name
    Given AUTH_TOKEN environment variable is "worker-token"
    And a Bearer token "worker-token" is provided
    When I register a worker with {"pool_id": "gpu", "slots": 8}
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "slots"
    And the error message mentions "slots_total"
