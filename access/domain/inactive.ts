import type { Person } from './principal.ts'
import type { Reason } from './reasons.ts'

/** Why somebody who is not active is not. */
export const whyInactive = ({
  locked,
}: Pick<Person, 'locked'>): Extract<Reason, 'principal-locked' | 'person-inactive'> =>
  locked === true ? 'principal-locked' : 'person-inactive'
