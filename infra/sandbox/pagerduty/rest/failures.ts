import type { ServerResponse } from 'node:http'
import { PagerDutyError } from '../pagerduty-error.ts'

/** `403` is a token that may not ask for this; `502` is the page of a gateway, in HTML; `timeout` is no answer at all, until the caller leaves. */
export const failureKinds = ['403', '429', '500', '502', 'timeout'] as const
export type FailureKind = (typeof failureKinds)[number]

export type Failure = {
  readonly kind: FailureKind
  /** How many requests it hits; 1 when left out. */
  readonly count?: number
  /** The beginning of the paths it hits, like `/incidents`; any when left out. */
  readonly path?: string
}

/** Failures asked for, each for so many requests; where several fit, the oldest comes first. */
export const createFailures = () => {
  const waiting: { readonly kind: FailureKind; readonly path: string; left: number }[] = []
  return {
    add({ kind, count = 1, path = '/' }: Failure): void {
      waiting.push({ kind, path, left: count })
    },

    clear(): void {
      waiting.splice(0)
    },

    /** The failure this request meets. */
    take(path: string): FailureKind | undefined {
      const failure = waiting.find((one) => one.left > 0 && path.startsWith(one.path))
      if (!failure) return undefined
      failure.left -= 1
      return failure.kind
    },
  }
}

export type Failures = ReturnType<typeof createFailures>

/** Answers as PagerDuty does when it fails, or throws what it says. */
export const failAs = (kind: FailureKind, response: ServerResponse): void => {
  if (kind === '403') throw new PagerDutyError(403, 2010, 'Access Denied')
  if (kind === '429') throw new PagerDutyError(429, 2020, 'Rate Limit Exceeded')
  if (kind === '500') throw new PagerDutyError(500, 2000, 'Internal Server Error')
  if (kind === '502') {
    response.writeHead(502, { 'content-type': 'text/html' })
    response.end('<html><body><h1>502 Bad Gateway</h1></body></html>')
  }
}
