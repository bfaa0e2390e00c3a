export type RefusalDetails = {
  /** What is wrong in the arguments, each with a JSON pointer. */
  readonly faults?: readonly string[]
  readonly retryAfterSeconds?: number
  /** Further fields of the answer. */
  readonly more?: Readonly<Record<string, string>>
}

/** A refusal of the Web API, under Slack's own error code. */
export class SlackError extends Error {
  readonly code: string
  readonly details: RefusalDetails

  constructor(code: string, details: RefusalDetails = {}) {
    super(code)
    this.code = code
    this.details = details
  }
}
