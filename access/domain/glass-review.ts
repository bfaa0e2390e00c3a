import { z } from 'zod'
import { grantShape } from './grant.ts'
import { principalKey } from './principal.ts'

const principal = grantShape.shape.who

/** Somebody else has looked at what was done under a break-glass pass. */
export const glassReviewShape = z.strictObject({
  environment: z.string(),
  grant: grantShape.shape.id,
  /** Whose pass it was. */
  who: principal,
  by: principal,
  at: z.int(),
})
export type GlassReview = z.output<typeof glassReviewShape>

/** Whether a review is of this pass of this principal (`principalKey`), and by somebody else. */
export const isReviewOf = ({ grant, who, by }: GlassReview, id: string, owner: string): boolean =>
  grant === id && principalKey(who) === owner && principalKey(by) !== owner
