import type { z } from 'zod'
import type { User } from '../account.ts'
import type { Incidents } from '../incidents.ts'
import { invalidInput } from '../pagerduty-error.ts'
import type { Webhooks } from '../webhooks.ts'

export type Call = {
  readonly incidents: Incidents
  readonly webhooks: Webhooks
  /** What the path's group matched: an id. */
  readonly id: string
  readonly query: URLSearchParams
  readonly body: unknown
  /** Milliseconds since 1970. */
  readonly now: number
  /** The user named by the `From` header; throws where there is none or nobody has that e-mail. */
  readonly from: () => User
}

/** Answers the body of a 200, or throws a PagerDutyError. */
export type Route = { readonly method: string; readonly path: RegExp; answer(call: Call): object }

/** The body in the shape wanted, or PagerDuty's refusal naming every fault. */
export const bodyAs = <T>(body: unknown, shape: z.ZodType<T>): T => {
  const read = shape.safeParse(body)
  if (read.success) return read.data
  throw invalidInput(...read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`))
}
