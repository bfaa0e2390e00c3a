import type { User } from '../account.ts'
import type { Incidents } from '../incidents.ts'

export type Call = {
  readonly incidents: Incidents
  /** What the path's group matched: an id. */
  readonly id: string
  readonly query: URLSearchParams
  readonly body: unknown
  /** The user named by the `From` header; throws where there is none or nobody has that e-mail. */
  readonly from: () => User
}

/** Answers the body of a 200, or throws a PagerDutyError. */
export type Route = { readonly method: string; readonly path: RegExp; answer(call: Call): object }
