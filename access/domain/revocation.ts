import { z } from 'zod'
import { longestBecause } from './lock.ts'

const kid = z.string().min(1).max(128)

/**
 * A key is trusted no more, for good: whatever it signed gives nothing from then on. It can't be taken back, so it may come
 * late, twice and from anybody.
 */
export const revocationShape = z.strictObject({
  environment: z.string(),
  kid,
  because: z.string().min(1).max(longestBecause),
  at: z.int(),
})
export type Revocation = z.output<typeof revocationShape>

/** Asks what a revocation would end. It is no revocation, whoever keeps it. */
export const revocationQuestionShape = z.strictObject({ environment: z.string(), kid, at: z.int() })
export type RevocationQuestion = z.output<typeof revocationQuestionShape>

/** How long a question may be under way, and how much clocks may differ. */
export const questionLastsMs = 300_000

/** Under which number proxies confirm an order: events count up from 1. */
export const confirmedAs = (order: number): number => -order
