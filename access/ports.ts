import type { By, End, EndCause, Grant } from './domain/grant.ts'
import type { HeldGrant } from './domain/held.ts'
import type { Incident, Paged } from './domain/incident.ts'
import type { Lock } from './domain/lock.ts'
import type { Person } from './domain/principal.ts'
import type { RuleSet } from './domain/rule-set.ts'
import type { SignInDemand, SignInTerms, SignInVerdict } from './domain/sign-in.ts'

/** Milliseconds since the epoch, which never run backwards. */
export type Clock = {
  readonly now: () => number
  /** It is this late, for sure. A clock that is behind goes on from there. */
  readonly hear?: (at: number) => void
}

/** The grants as they are stored: every change is one atomic write with its event. */
export type GrantStore = {
  /** Signs and stores a version of a grant. False when the one before it is not the newest: nothing is changed then. */
  readonly give: (grant: Grant) => Promise<{ readonly given: boolean; readonly sequence: number }>
  /** Signs and stores the end of a grant. False when it had ended already: nothing is changed then. */
  readonly end: (
    grant: Grant,
    cause: EndCause,
    by?: By,
  ) => Promise<{ readonly ended: boolean; readonly sequence: number }>
  /** A grant that ended, as it last was, and how; signatures checked. Undefined when it has not. */
  readonly endOf: (id: string) => Promise<{ readonly grant: Grant; readonly end: End } | undefined>
}

/** Who is locked out, as it is stored: every change is one atomic write with its event. */
export type LockStore = {
  /**
   * Signs and stores a statement. Not stored where Redis holds another version of this principal's than `expected` (0:
   * none): nothing is changed then, and `version` is the one it holds.
   */
  readonly put: (
    lock: Lock,
    expected: number,
  ) => Promise<{ readonly stored: boolean; readonly sequence: number; readonly version: number }>
}

/** This process's copy of the live grants, for finding and listing. */
export type LiveGrants = {
  readonly get: (id: string) => HeldGrant | undefined
  readonly all: () => Iterable<HeldGrant>
  /** Whether the grant's signature holds. What does not is never made anything of, not even its end. */
  readonly genuine: (held: HeldGrant) => Promise<boolean>
  /** Which life of the data in Redis this is. Another one knows nothing of the grants before. */
  readonly epoch: () => string
  /** Until when PagerDuty's word on the incident of a page's pass is good; endless for any other. */
  readonly confirmedUntil: (grant: Grant) => number
  /** Waits until the copy holds everything that Redis held when this was called. */
  readonly catchUp: () => Promise<void>
}

/** This process's copy of who is or was locked out. It is as new as `LiveGrants` after `catchUp`. */
export type Locks = {
  /** By `principalKey`. */
  readonly isLocked: (principal: string) => boolean
  /** What is known of somebody who is or was locked out; signature checked. */
  readonly of: (principal: string) => Lock | undefined
  /** The same of everybody. */
  readonly all: () => readonly Lock[]
}

/** Something that nobody can guess: 22 to 64 characters of base64url. */
export type NewNonce = () => string

/** Who is who. Each alias belongs to one person. */
export type Directory = {
  readonly bySlack: (team: string, user: string) => Person | undefined
  readonly byPagerDuty: (user: string) => Person | undefined
  readonly byPrincipal: (principal: string) => Person | undefined
  /** Everybody active of whom this is true, by name. */
  readonly activeWhere: (is: (person: Person) => boolean) => readonly Person[]
}

/** What it takes to decide on a grant and to write what was decided. */
export type DecideParts = {
  readonly rules: RuleSet
  readonly live: LiveGrants
  readonly store: GrantStore
  readonly clock: Clock
}

/** How many passes pages gave somebody by themselves. It only ever makes less be given. */
export type PagedPasses = {
  /**
   * Counts one that is about to be given to a principal (`principalKey`). False, and it is not counted, where as many others
   * were in the 24 hours before.
   */
  readonly take: (principal: string, grant: string, most: number, now: number) => Promise<boolean>
}

/** What somebody is to sign in anew for. The nonce is the hash (`scope.ts`) of what they approve, or of the pass they take. */
export type SignInAsk = SignInTerms & {
  readonly person: Person
  readonly grant: string
  readonly nonce: string
}

/** Fresh sign-ins of people, for what must not hang on Slack alone: approvals, and breaking the glass. */
export type SignIns = {
  /** Gives the address where this person does so. Their ID token then goes to `takeSignIn`, at whatever bot. */
  readonly begin: (ask: SignInAsk) => Promise<string>
}

/** Never rejects. */
export type VerifySignIn = (token: string, demand: SignInDemand) => Promise<SignInVerdict>

/** What is asked of PagerDuty. */
export type Incidents = {
  /** The incident as PagerDuty's API confirms it now; undefined when it has none of this id, or number. */
  readonly read: (id: string) => Promise<Incident | undefined>
}

/** An incident as a list shows it: whom it pages, and no word on why. */
export type Glance = {
  readonly id: string
  readonly open: boolean
  /** PagerDuty's id of its service. */
  readonly service: string
  readonly paged: readonly Paged[]
  /** As of an incident. */
  readonly relieved?: readonly string[]
  readonly acknowledgedBy: readonly string[]
  /** The same for two glances between which nothing changed that passes go by. */
  readonly state: string
}

/** What is asked of PagerDuty to find out what was missed. Both reject where it does not answer. */
export type OpenIncidents = {
  /** What is open on these services of PagerDuty's; `whole` where that is all. Asks no more once `late`. */
  readonly list: (
    services: readonly string[],
    late: AbortSignal,
  ) => Promise<{ readonly incidents: readonly Glance[]; readonly whole: boolean }>
  /** One incident; undefined where PagerDuty has none of this id. */
  readonly look: (id: string) => Promise<Glance | undefined>
}

/** What is asked of Slack. */
export type SlackGroups = {
  /** Ids of the users of a group. Rejects with `slack/failed`, also where there is no such group. */
  readonly usersOf: (group: string) => Promise<readonly string[]>
}

/** What the proxies did about a change. */
export type Receipt = {
  /** Names of the proxies that confirmed. */
  readonly confirmed: readonly string[]
  /** Names of those that did not, in the time given. */
  readonly missing: readonly string[]
  readonly streamsCut: number
  /** Whether as many replicas of Redis have it as were demanded: a failover does not lose it then. Where none are, unsaid. */
  readonly replicated?: boolean
}

export type Receipts = {
  /** Of an event, by its sequence number and the grant it is about. */
  readonly of: (sequence: number, grant?: string) => Promise<Receipt>
}

/** Whose break-glass pass waits for somebody else's review. By `principalKey`. */
export type GlassReviews = {
  readonly waiting: (principal: string) => Promise<string | undefined>
  /** Lets one wait. False where another one does already. */
  readonly begin: (principal: string, grant: string) => Promise<boolean>
  /** Whether somebody else has, by a statement whose signature holds. */
  readonly reviewed: (principal: string, grant: string) => Promise<boolean>
  /** Somebody else has reviewed it: signs that and keeps it. False where it does not wait. */
  readonly done: (grant: Grant, by: By) => Promise<boolean>
}
