Feature: Engines that want a key

  An engine's key lies in a file. It goes to that engine, and is shown and logged nowhere.

  @B-CP-061
  Scenario: A worker names the file with its engine's key
    Given the folder of engine keys holds "s3cret-key" as "gpu.key"
    And an engine that wants the key "s3cret-key" is bound to pool "default" with the key file "gpu.key"
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And pool "default" says that a key is set, and nothing says that it is "s3cret-key"

  @B-CP-061 @B-DP-023
  Scenario: It is known again after a restart
    Given the folder of engine keys holds "s3cret-key" as "gpu.key"
    And an engine that wants the key "s3cret-key" is bound to pool "default" with the key file "gpu.key"
    And the service was killed and started again
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And no file of the service holds "s3cret-key" but "gpu.key"

  @B-CP-061
  Scenario: A key that changes is taken up
    Given the folder of engine keys holds "old-key" as "gpu.key"
    And an engine that wants the key "s3cret-key" registers in pool "default" with the key file "gpu.key"
    And pool "default" is not ready for want of a key
    When the folder of engine keys holds "s3cret-key" as "gpu.key"
    Then task "t-1" is served by pool "default"

  @B-CP-061
  Scenario Outline: A registration has no other file read
    Given the folder of engine keys holds "s3cret-key" as "gpu.key"
    And a Bearer token "worker-token" is provided
    When I register a worker with the key file "<name>"
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "api_key_file"

    Examples:
      | name              |
      | ../gpu.key        |
      | /etc/hostname     |
      | there-is-none.key |

  @B-CP-061
  Scenario: A handoff file names it too
    Given the folder of engine keys holds "s3cret-key" as "gpu.key"
    And an engine that wants the key "s3cret-key" leaves a handoff with the key file "gpu.key"
    When the handoff watcher processes the file
    Then an adapter is bound to the pool
    And the pool is registered as ready

  @B-CFG-011
  Scenario: The configured engine has a key file of its own
    Given an engine that wants the key "s3cret-key" is named by ORCHD_LLAMACPP_URL with its key file
    When I submit task "t-1"
    Then task "t-1" ends as completed

  @B-CP-062
  Scenario: An engine over https is trusted by the authority that its key file names
    Given the folder of engine keys has a file "gpu.json" with the key "s3cret-key" and the authority of test certificates
    And an engine over https that wants the key "s3cret-key" is bound to pool "default" with the key file "gpu.json"
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And pool "default" says that a key is set, and nothing says that it is "s3cret-key"

  @B-CP-062
  Scenario: A certificate that nobody vouches for is told, and its engine gets nothing
    Given the folder of engine keys holds "s3cret-key" as "gpu.key"
    When an engine over https registers in pool "default" with the key file "gpu.key"
    Then pool "default" is not ready, and says "signed by nobody who is trusted"
    And the engine was asked nothing

  @B-CP-062 @B-CFG-011
  Scenario: Engines of the configuration have key files too, and headers with them
    Given the folder of engine keys has a file "hosted.json" with the header "X-Team: a team"
    And an engine is named by ORCHD_ENGINE_URLS, with "/v1" and the key file "hosted.json"
    When I submit task "t-1"
    Then task "t-1" ends as completed
    And the engine was sent the header "X-Team: a team"
