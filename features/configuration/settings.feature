Feature: Settings

  A mistake in the environment is told at the start, not found out in operation.

  @B-CFG-003 @B-CFG-004 @B-CFG-005
  Scenario: One engine can be bound by the environment
    Given an engine is named by ORCHD_LLAMACPP_URL, in pool "gpu-1" as "left"
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And it ran on "gpu-1/left"

  @B-CFG-009 @B-CFG-020
  Scenario: The service listens where it is told
    Given the setting ORCHD_ADDR is "[::1]:0"
    When I ask for the version with key "test-key"
    Then I receive 200 OK
    And it listens on "[::1]"

  @B-CFG-021
  Scenario: A malformed value stops the start with its name and what is allowed
    Given the setting ORCHD_ADMISSION_CAPACITY is "many"
    When the service is started
    Then it stops and says "ORCHD_ADMISSION_CAPACITY is malformed: expected a whole number from 1 to 1000000."

  @B-CFG-010
  Scenario: Clear-text HTTP/2 is answered with the reason
    Given the setting ORCHD_PREFER_H2 is "1"
    When the service is started
    Then it stops and says "HTTP/2 ends at the ingress"

  @B-CFG-022
  Scenario: An unknown name is warned about with the nearest known one
    Given the setting ORCHD_ADMISSION_CAPACTY is "5"
    When I ask for the version with key "test-key"
    Then I receive 200 OK
    And the log has a warning that mentions "ORCHD_ADMISSION_CAPACITY"

  @B-CFG-021 @B-MW-013
  Scenario: An open bind without keys does not start
    Given the setting ORCHD_ADDR is "0.0.0.0:0"
    And the setting ORCHD_API_KEYS is ""
    When the service is started
    Then it stops and says "set ORCHD_API_KEYS or ORCHD_API_KEYS_FILE"

  @B-CFG-021 @B-MW-013
  Scenario: A key file that cannot be used stops the start with its setting and what is wrong
    Given the key file has the key "a key with spaces"
    When the service is started
    Then it stops and says "ORCHD_API_KEYS_FILE cannot be used: line 2 is not a key of 1 to 512 visible ASCII characters."

  @B-CFG-008
  Scenario: Without a worker token nobody registers
    Given the setting AUTH_TOKEN is ""
    And a Bearer token "anything" is provided
    When I register a worker
    Then I am refused with 401 40102
