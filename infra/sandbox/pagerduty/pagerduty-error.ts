/** A refusal of the REST API: HTTP status and PagerDuty's own code and message. */
export class PagerDutyError extends Error {
  readonly status: number
  readonly code: number
  readonly details: readonly string[]

  constructor(status: number, code: number, message: string, details: readonly string[] = []) {
    super(message)
    this.status = status
    this.code = code
    this.details = details
  }
}

export const notFound = (): PagerDutyError => new PagerDutyError(404, 2100, 'Not Found')

export const invalidInput = (...details: readonly string[]): PagerDutyError =>
  new PagerDutyError(400, 2001, 'Invalid Input Provided', details)
