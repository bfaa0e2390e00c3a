/** A refusal of the Web API, under Slack's own error code. */
export class SlackError extends Error {
  readonly code: string
  readonly details: readonly string[]
  readonly retryAfterSeconds: number | undefined

  constructor(code: string, details: readonly string[] = [], retryAfterSeconds?: number) {
    super(code)
    this.code = code
    this.details = details
    this.retryAfterSeconds = retryAfterSeconds
  }
}
