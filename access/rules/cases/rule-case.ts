import type { Ask } from '../../domain/decide-access.ts'
import type { Service } from '../../domain/rule-set.ts'
import type { Asker } from '../explain/asker.ts'
import type { PageFacts } from '../explain/supposed-page.ts'
import type { Place } from '../rule-file.ts'
import type { Expectation, Outcome } from './source.ts'

/** Who approved a pass: somebody of the cases, or somebody of a set of people. */
export type Approver =
  | { readonly kind: 'person'; readonly who: Asker }
  | { readonly kind: 'set'; readonly name: string }

/** A pass that they hold. Times are milliseconds (since the epoch); what is left out is as the rules give it. */
export type HeldPass = {
  readonly tier: string
  readonly kind: 'page' | 'request'
  readonly approvedBy?: readonly Approver[]
  readonly from?: number
  readonly duration?: number
}

/** What happens in a case. A request may come after a page, whose pass they hold then if it is given at once. */
export type Happening =
  | { readonly kind: 'request'; readonly method: string; readonly path: string; readonly page?: PageFacts }
  | { readonly kind: 'ask'; readonly ask: Ask }
  | { readonly kind: 'page'; readonly page: PageFacts }

/** One case, with every name looked up. */
export type RuleCase = {
  readonly name: string
  readonly who: Asker
  readonly service: Service
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly holds: readonly HeldPass[]
  /** How old what a proxy knows of passes is, in milliseconds. */
  readonly stale: number
  readonly happens: Happening
  readonly expect: Expectation
  /** Where the expectation stands, or one part of it. */
  readonly placeOf: (part?: keyof Expectation) => Place
}

/** What may come of each kind of case, and what may be said of it. */
export const kinds: Readonly<
  Record<
    Happening['kind'],
    { readonly outcomes: readonly Outcome[]; readonly facts: readonly (keyof Expectation)[] }
  >
> = {
  request: { outcomes: ['allowed', 'refused'], facts: ['is', 'tier', 'pattern', 'rule', 'reason'] },
  ask: {
    outcomes: ['at once', 'approval', 'refused'],
    facts: ['is', 'tier', 'rule', 'for', 'by', 'count', 'reason'],
  },
  page: {
    outcomes: ['given', 'offered', 'approval', 'refused'],
    facts: ['is', 'tier', 'rule', 'for', 'by', 'count', 'reason'],
  },
}
