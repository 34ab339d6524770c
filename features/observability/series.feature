Feature: Series

  Dashboards rely on names, labels and honest absence.

  @B-OBS-004 @B-OBS-005
  Scenario: A finished task is counted and timed under its labels
    Given an engine with 1 slot is bound to pool "default"
    When I submit task "t-1" with {"max_tokens": 5}
    Then task "t-1" ends as completed
    And tokens_out_total of pool "default" is 5
    And latency_first_token_ms and latency_decode_ms have one observation each

  @B-OBS-014
  Scenario: What no engine reports is absent
    Given an engine with 1 slot is bound to pool "default"
    When I request /metrics
    Then there is no sample of gpu_utilization, vram_used_bytes or kv_cache_usage_ratio

  @B-OBS-003 @B-OBS-004
  Scenario: Every sample has the labels of its contract and no others
    Given a slow engine with 1 slot is bound to pool "default"
    And a task has been completed, one cancelled, one refused, and a model verified
    When I request /metrics
    Then every sample has exactly the labels of its metric
    And there are samples of "tasks_enqueued_total, tasks_started_total, tasks_canceled_total, tasks_rejected_total, tokens_in_total, tokens_out_total, catalog_verifications_total, placement_decisions_total, queue_depth, latency_first_token_ms, latency_decode_ms"

  @B-OBS-006 @B-OBS-013
  Scenario: Names that clients make up do not become series without end
    Given the setting ORCHD_ADMISSION_CAPACITY is "1000"
    When 300 tasks are pinned to a pool of their own each
    Then tasks_enqueued_total has counted 300 in at most 257 pools, one of them "other"
