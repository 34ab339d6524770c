Feature: What a task can be

  A task works on a prompt, a chat, texts to embed or documents to rank, and what it puts out is read in the same ways.

  @B-DP-157 @B-DP-159
  Scenario: A chat with a tool call is a task like any other
    Given a vLLM engine with 4 slots is bound
    When I submit a chat as task "t-1" with {"tools": [{"type": "function", "function": {"name": "look"}}], "tool_choice": "required"} and wait
    Then I receive 200 OK
    And task "t-1" is of the operation "chat" and ended as completed
    And its output calls the tool "look"
    And its stream has deltas and ends with "end", as its transcript does

  @B-DP-159
  Scenario: What a task put out is there after a restart
    Given a vLLM engine with 4 slots is bound
    And a chat with {"tools": [{"type": "function", "function": {"name": "look"}}], "tool_choice": "required"} has ended as task "t-1"
    When the service is started again
    Then the output and the stream of task "t-1" are what they were

  @B-DP-159
  Scenario: Several choices with logprobs are put together
    Given a vLLM engine with 4 slots is bound
    When I submit a chat as task "t-1" with {"n": 2, "logprobs": true, "max_tokens": 3} and wait
    Then its output has 2 choices of 3 tokens with logprobs
    And its usage is 6 tokens

  @B-DP-157 @B-DP-159
  Scenario: Embeddings are a result, also after a restart
    Given a vLLM engine that serves embeddings is bound
    And task "t-1" with {"operation": "embedding", "input": ["a", "b"]} has ended
    When the service is started again
    Then the result of task "t-1" has 2 embeddings, in its output, its stream and its transcript

  @B-DP-157
  Scenario: Documents are ranked
    Given a vLLM engine that serves rerank is bound
    When I submit the work {"query": "x", "documents": ["a", "b", "c"], "top_n": 2} and wait up to 30 seconds
    Then I receive 200 OK
    And its result ranks 2 documents

  @B-DP-158
  Scenario: What steers an engine reaches it
    Given an engine with 2 slots is bound to pool "default"
    When I submit task "t-1" with {"grammar": "root ::= [a-z]+", "n": 1, "logit_bias": [[15043, false]]} and wait up to 30 seconds
    Then I receive 200 OK
    And the engine was given the grammar and the bias, under its own names

  @B-DP-158
  Scenario: What the engine cannot do ends the task with the member's name
    Given an engine with 2 slots is bound to pool "default"
    When I submit task "t-1" with {"echo": true} and wait up to 30 seconds
    Then I receive 200 OK
    And the task failed with INVALID_PARAMS, and the message mentions "echo"

  @B-DP-157 @B-DP-158
  Scenario Outline: Work that contradicts itself is refused by name
    Given an OrchQueue API endpoint
    When I submit the work <work>
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "<field>"

    Examples:
      | work                                                                           | field           |
      | {}                                                                             | prompt          |
      | {"prompt": "x", "messages": [{"role": "user", "content": "x"}]}                | prompt          |
      | {"operation": "chat", "prompt": "x"}                                           | prompt          |
      | {"operation": "chat"}                                                          | messages        |
      | {"operation": "poem", "prompt": "x"}                                           | operation       |
      | {"operation": "chat", "workload": "completion", "messages": [{"role": "user"}]} | workload       |
      | {"messages": []}                                                               | messages        |
      | {"messages": "x"}                                                              | messages        |
      | {"messages": [{"content": "x"}]}                                               | messages.0.role |
      | {"messages": [{"role": "user", "content": 5}]}                                 | messages.0.content |
      | {"messages": [{"role": "user"}], "n": 129}                                     | n               |
      | {"messages": [{"role": "user"}], "tools": {}}                                  | tools           |
      | {"messages": [{"role": "user"}], "echo": true}                                 | echo            |
      | {"prompt": "x", "tools": []}                                                   | tools           |
      | {"input": "x"}                                                                 | input           |
      | {"operation": "embedding"}                                                     | input           |
      | {"operation": "embedding", "input": []}                                        | input           |
      | {"operation": "embedding", "input": ["a", 1]}                                  | input           |
      | {"operation": "embedding", "input": "x", "temperature": 1}                     | temperature     |
      | {"operation": "embedding", "input": "x", "max_tokens": 1}                      | max_tokens      |
      | {"operation": "embedding", "input": "x", "encoding_format": "hex"}             | encoding_format |
      | {"query": "x"}                                                                 | documents       |
      | {"documents": ["x"]}                                                           | query           |
      | {"query": "x", "documents": ["x", null]}                                       | documents       |

  @B-DP-160
  Scenario: An operation that no engine can do is refused with those that they can
    Given an engine with 1 slot is bound to pool "default"
    When I submit the work {"operation": "embedding", "input": "x"}
    Then I am refused with 400 INVALID_PARAMS
    And the error names the field "operation"
    And the error message mentions "completion"

  @B-DP-160
  Scenario: Before there is an engine a chat is answered by the stand-in
    Given an OrchQueue API endpoint
    When I submit a chat as task "t-1" with {} and wait
    Then I receive 200 OK
    And the answer says that a stand-in gave it

  @B-DP-160
  Scenario: The stand-in has no embeddings
    Given an OrchQueue API endpoint
    When I submit the work {"operation": "embedding", "input": "x"} and wait up to 1 second
    Then I receive 202 Accepted
