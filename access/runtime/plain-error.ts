/** What looks like a secret in a text: passwords in URLs, bearer and Slack tokens, JWTs. */
const secrets = [
  /(?<=:\/\/)[^\s/@]*(?=@)/g,
  /(?<=\b(?:bearer|basic|token token=)\s?)[\w.~+/=-]{8,}/gi,
  /\bx(?:ox[a-z]|app)-[\w-]+/g,
  /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g,
]

/** A text without what looks like a secret. */
export const withoutSecrets = (text: string): string =>
  secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)

export type PlainError = {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: PlainError
}

/**
 * What a log may keep of an error that nobody expected. Only these fields: vendors' errors carry whole requests, with
 * their headers.
 */
export const plainError = (error: unknown, depth = 0): PlainError => {
  if (!(error instanceof Error)) return { type: typeof error, message: withoutSecrets(String(error)) }
  const { name, message, stack, cause } = error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return {
    type: name,
    message: withoutSecrets(message),
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack: withoutSecrets(stack) }),
    ...(cause === undefined || depth === 3 ? {} : { cause: plainError(cause, depth + 1) }),
  }
}
