Feature: The tokens of a model

  Who packs prompts asks the tokenizer of the model that will read them.

  @B-V1-020
  Scenario Outline: A text becomes tokens, and tokens the text again
    Given a <kind> engine with the model "words" is bound
    When I send POST to <path>tokenize with {"model": "words", "prompt": "the river, café 流れ", "return_token_strs": true}
    Then I receive 200 OK
    And the tokens are counted, each with its text
    When I send those tokens to <path>detokenize
    Then I receive 200 OK
    And the text is "the river, café 流れ"

    Examples:
      | kind     | path |
      | vllm     | /v1/ |
      | llamacpp | /v1/ |
      | vllm     | /    |
      | llamacpp | /    |

  @B-V1-020
  Scenario Outline: A chat becomes tokens by its model's template
    Given a <kind> engine with the model "words" is bound
    When I send POST to /v1/tokenize with {"model": "words", "messages": [{"role": "user", "content": "Hello"}]}
    Then I receive 200 OK
    And they are more tokens than the message alone has

    Examples:
      | kind     |
      | vllm     |
      | llamacpp |

  @B-V1-020
  Scenario: An engine whose tokenizer cannot be asked is named
    Given a ollama engine with the model "words" is bound
    When I send POST to /v1/tokenize with {"model": "words", "prompt": "Hello"}
    Then the answer is an error 501 of type "server_error", with the code "not_supported"
    And the error message names "ollama"

  @B-V1-020
  Scenario Outline: What is wrong is named
    Given a vllm engine with the model "words" is bound
    When I send POST to /v1/<verb> with <body>
    Then the answer is an error <status> of type "invalid_request_error", with the code "<code>"
    And its parameter at fault is "<param>"

    Examples:
      | verb       | body                                                   | status | code            | param    |
      | tokenize   | {"prompt": "x"}                                        | 400    | invalid_params  | model    |
      | tokenize   | {"model": "nobody-has-it", "prompt": "x"}              | 404    | model_not_found | model    |
      | tokenize   | {"model": "words"}                                     | 400    | invalid_params  | prompt   |
      | tokenize   | {"model": "words", "prompt": "x", "messages": []}      | 400    | invalid_params  | messages |
      | detokenize | {"model": "words", "tokens": [-1]}                     | 400    | invalid_params  | tokens   |
