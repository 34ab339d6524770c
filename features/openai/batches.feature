Feature: Batches, as OpenAI's API has them

  A file of requests is worked off beside everything else: each line is a task that lets others go first, and has its result once.

  @B-BAT-001
  Scenario: Each line of a file is a task, and has its answer
    Given a vLLM engine with 4 slots is bound
    When I make a batch of 12 chats
    Then it ends as "completed", with 12 answers and 0 errors
    And its answers are those of chats, one for each line
    And its first line is a task of the priority "batch"

  @B-BAT-002
  Scenario: A line that fails is in the error file, with the answer that it would have had
    Given the setting ORCHD_BATCH_MODEL_WAIT_MS is "0"
    And a vLLM engine with 4 slots is bound
    When I make a batch of 3 chats and one for a model that nobody has
    Then it ends as "completed", with 3 answers and 1 errors
    And its error has status 404, about "model"

  @B-BAT-003
  Scenario: A file that is not one of requests fails the batch, which names the line
    Given a vLLM engine with 4 slots is bound
    When I make a batch of 2 chats and a line that is no JSON
    Then it ends as "failed", with 0 answers and 0 errors
    And its fault is "invalid_json_line" in line 3

  @B-BAT-004
  Scenario: A batch that is cancelled says what of it had not ended
    Given a slow vLLM engine with 4 slots is bound
    And a batch of 30 long chats is in progress
    When I cancel the batch
    Then it ends as "cancelled", and each of its 30 lines is in one of its files
    And the lines that had not ended say "batch_cancelled"

  @B-BAT-005
  Scenario: A batch survives the death of the service
    Given a slow vLLM engine with 4 slots is bound
    And a batch of 30 long chats is in progress
    When the service is killed and started again
    Then it ends as "completed", and each of its 30 lines is in one of its files

  @B-BAT-006
  Scenario: A small batch does not wait for a large one
    Given a slow vLLM engine with 4 slots is bound
    And a batch of 200 long chats is in progress
    When I make a batch of 3 chats
    Then it ends as "completed", with 3 answers and 0 errors
    And the other batch is still in progress

  @B-BAT-010
  Scenario: A batch waits for its model while no engine has it
    Given a slow vLLM engine with 4 slots is bound
    And a batch of 30 long chats is in progress
    When the engine is unbound
    Then the log says that lines of batches wait for its model
    When the engine is registered again
    Then it ends as "completed", with 30 answers and 0 errors
