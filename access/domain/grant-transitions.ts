import type { EndCause } from './grant.ts'

export type GrantState = 'none' | 'active' | 'ended'
export type GrantStep = 'given' | EndCause

/** The whole life of a grant. What is not in this table can't happen; `ended` has no way out. */
export const transitions: Readonly<Record<GrantState, Readonly<Partial<Record<GrantStep, GrantState>>>>> = {
  none: { given: 'active' },
  active: { expired: 'ended', revoked: 'ended', 'incident over': 'ended' },
  ended: {},
}

/** The state after a step, or undefined where the table has no such move. */
export const moveGrant = (state: GrantState, step: GrantStep): GrantState | undefined =>
  transitions[state][step]
