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
