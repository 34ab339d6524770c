Feature: Pages in browsers

  A page of another origin may use the service where the operator says so.

  @B-MW-029
  Scenario: A page that may use it reads our headers too
    Given the setting ORCHD_CORS_ORIGINS is "https://chat.example.org,app://obsidian.md"
    And a vLLM engine with 4 slots is bound
    And a client request with Origin "https://chat.example.org"
    When I ask for a chat with {"stream": true}
    Then I receive 200 OK
    And the header Access-Control-Allow-Origin is "https://chat.example.org"
    And the header Access-Control-Expose-Headers names "X-Orchd-Task-Id, Retry-After, X-Request-Id"
    And the header Vary is "Origin"

  @B-MW-029
  Scenario: A refusal can be read by the page as well
    Given the setting ORCHD_CORS_ORIGINS is "*"
    And an invalid API key is provided
    And a client request with Origin "https://anywhere.example.org"
    When I ask for a chat
    Then the answer is an error 401 of type "invalid_request_error", with the code "invalid_api_key"
    And the header Access-Control-Allow-Origin is "*"

  @B-MW-029
  Scenario Outline: A browser's question whether it may ask needs no key
    Given the setting ORCHD_CORS_ORIGINS is "https://chat.example.org"
    And no API key is provided
    And a client request with Origin "https://chat.example.org"
    And a client request with Access-Control-Request-Method "POST"
    And a client request with Access-Control-Request-Headers "authorization,content-type,x-orchd-session"
    When I send OPTIONS to <path>
    Then the answer has status 204
    And the header Access-Control-Allow-Headers is "authorization,content-type,x-orchd-session"
    And the header Access-Control-Allow-Methods names "POST, DELETE"

    Examples:
      | path                 |
      | /v1/chat/completions |
      | /v2/tasks            |
      | /nothing             |

  @B-MW-029
  Scenario Outline: Another page gets no leave, and none does unless it is set
    Given the setting ORCHD_CORS_ORIGINS is "<origins>"
    And a client request with Origin "https://elsewhere.example.org"
    And a client request with Access-Control-Request-Method "POST"
    When I send OPTIONS to /v1/models
    Then the answer has no header Access-Control-Allow-Origin

    Examples:
      | origins                  |
      | https://chat.example.org |
      |                          |
