/** What a caller of the control API did wrong: one line that says the mend. */
export class BadInput extends Error {
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}
