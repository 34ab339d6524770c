Feature: Access

  Who was refused, and who changed what the service works with, stands in the log: keys by their fingerprints.

  @B-OBS-026
  Scenario: A refused request is told, by the fingerprint of its key
    Given an invalid API key is provided
    When I make a request to /v2/tasks
    Then I receive 403 Forbidden
    And the log tells that "POST /v2/tasks" was refused as FORBIDDEN to the key "bad"

  @B-OBS-026
  Scenario: A worker with a wrong token is told, by the fingerprint of its token
    Given AUTH_TOKEN environment variable is "good-token"
    And a Bearer token "bad-token" is provided
    When I register a worker
    Then the log tells that "POST /v2/workers/register" was refused as BAD_TOKEN to the token "bad-token"

  @B-OBS-026
  Scenario: A flood of refused requests does not fill the log
    Given no API key is provided
    When I make 300 requests to /v2/tasks
    Then the log tells of fewer than 100 refusals, and the metrics of all 300

  @B-OBS-027
  Scenario Outline: What an operator does is told, with how it went
    Given a pool "gpu" exists
    When I call <method> <path> with <body>
    Then the log tells the act <act> on "<subject>", which went <outcome>, by the fingerprint of my key

    Examples:
      | method | path                      | body                         | act            | subject | outcome        |
      | POST   | /v2/pools/gpu/drain       | {"deadline_ms": 1000}        | pool_drain     | gpu     | done           |
      | POST   | /v2/pools/gpu/undrain     | {}                           | pool_undrain   | gpu     | done           |
      | POST   | /v2/pools/gpu/reload      | {}                           | pool_reload    | gpu     | INVALID_PARAMS |
      | POST   | /v2/pools/none/purge      | {}                           | pool_purge     | none    | POOL_NOT_FOUND |
      | DELETE | /v2/workers/gpu/r0        | nothing                      | replica_unbind | gpu/r0  | done           |
      | POST   | /v2/catalog/models        | {"id": "m", "digest": "sha256:abc123"}   | model_create   |         | done           |
      | DELETE | /v2/catalog/models/none   | nothing                      | model_delete   | none    | MODEL_NOT_FOUND |
      | DELETE | /v2/artifacts/none        | nothing                      | artifact_delete | none   | ARTIFACT_NOT_FOUND |
      | DELETE | /v2/sessions/s            | nothing                      | session_delete | s       | done           |

  @B-OBS-028
  Scenario: Requests are counted by the route's own path
    Given a slow engine with 1 slot is bound to pool "default"
    And a task "t-1" is streaming
    When I request what is there and what is not
    Then http_requests_total counts them by route, method and status
    And http_request_duration_ms has the stream, though it has not ended

  @B-OBS-029
  Scenario: An operator who unbinds a replica is told
    Given a pool "gpu" exists
    When I call DELETE /v2/workers/gpu/r0 with nothing
    Then the log says that "gpu/r0" is unbound because of operator, by the fingerprint of my key

  @B-OBS-029
  Scenario: A registration that lapses is told
    Given an engine registers in pool "gpu" for 200 ms
    When its time has passed
    Then the log says that "gpu/r0" is unbound because of lapsed
