import { Fault } from './errors.ts'
import { type By, type EndCause, followedAt, type Grant, type GrantStep, type LiveState } from './grant.ts'

export type GrantState = 'none' | LiveState | 'ended' | 'refused'

type Moves = Readonly<Partial<Record<GrantStep | EndCause, GrantState>>>

/** The whole life of a grant. What is not in this table can't happen; `ended` and `refused` have no way out. */
export const transitions: Readonly<Record<GrantState, Moves>> = {
  none: { given: 'active', offered: 'offered', asked: 'pending' },
  offered: {
    taken: 'active',
    moved: 'offered',
    withdrawn: 'refused',
    lapsed: 'refused',
    'incident over': 'refused',
    'handed over': 'refused',
    superseded: 'refused',
    locked: 'refused',
  },
  pending: {
    // One of several approvals that it takes; the last one is `approved`.
    endorsed: 'pending',
    approved: 'active',
    moved: 'pending',
    denied: 'refused',
    withdrawn: 'refused',
    lapsed: 'refused',
    'incident over': 'refused',
    'handed over': 'refused',
    superseded: 'refused',
    locked: 'refused',
  },
  active: {
    extended: 'active',
    shortened: 'active',
    restored: 'active',
    moved: 'active',
    expired: 'ended',
    revoked: 'ended',
    // One that has not begun yet was no access.
    withdrawn: 'refused',
    // A denial that came at the same moment as the approval.
    denied: 'ended',
    'incident over': 'ended',
    'handed over': 'ended',
    superseded: 'ended',
    locked: 'ended',
  },
  ended: {},
  refused: {},
}

/** The state after a step, or undefined where the table has no such move. */
export const moveGrant = (state: GrantState, step: GrantStep | EndCause): GrantState | undefined =>
  Object.hasOwn(transitions[state], step) ? transitions[state][step] : undefined

/** The state that a grant ends in by this cause; undefined where it can't. Only what was asked for ahead may be withdrawn once it is `active`. */
export const endStateOf = ({ state, begins }: Grant, cause: EndCause): GrantState | undefined =>
  state === 'active' && cause === 'withdrawn' && begins === undefined ? undefined : moveGrant(state, cause)

/** A person as a grant names them: nothing else of the directory is signed. */
export const byOf = ({ issuer, subject, name }: By): By => ({ issuer, subject, name })

/** What ends a grant whose time is over. */
export const causeOfExpiry = ({ state, ending }: Grant): EndCause =>
  state === 'active' ? (ending?.cause ?? 'expired') : 'lapsed'

/** Clocks may differ so much, and a write may take so long: what begins within it may be access already. */
const aboutToBeginMs = 5_000

/** Whether it is `active` and no access yet, by anybody's clock: it was asked for ahead. */
export const isToCome = ({ state, from, begins }: Grant, now: number): boolean =>
  state === 'active' && begins !== undefined && from - now > aboutToBeginMs

/** What ends a grant that is taken away before its time: what was no access yet is only withdrawn. */
export const causeOfRevoking = (grant: Grant, now: number): EndCause =>
  grant.state === 'active' && !isToCome(grant, now) ? 'revoked' : 'withdrawn'

type Changes = Partial<Pick<Grant, 'from' | 'until' | 'why' | 'approvals' | 'extended' | 'kept' | 'ending'>>

/**
 * The next version of a grant. `ending` is dropped unless it is given. Faults with `store/conflict` where the table has
 * no such move.
 */
export const nextVersion = (
  grant: Grant,
  step: Exclude<GrantStep, 'given' | 'offered' | 'asked'>,
  changes: Changes,
  at: number,
  by?: By,
): Grant => {
  const state = moveGrant(grant.state, step)
  if (state !== 'offered' && state !== 'pending' && state !== 'active')
    throw new Fault('store/conflict', `an ${grant.state} grant can't be ${step}`)
  const { ending: _ending, by: _by, followed: _followed, ...kept } = grant
  const followed = by === undefined ? undefined : followedAt(grant)
  return {
    ...kept,
    ...(by === undefined ? {} : { by: byOf(by) }),
    ...(followed === undefined ? {} : { followed }),
    ...changes,
    state,
    step,
    version: grant.version + 1,
    at,
  }
}
