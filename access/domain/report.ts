import { z } from 'zod'
import { longestGlassText } from './break-glass/pass.ts'
import { usageShape } from './usage.ts'

/**
 * What proxies report. `boot` names one life of one proxy process; `usage` is
 * cumulative within it and numbered, so that reading a report twice or late changes nothing.
 */
export const reportShape = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('alive'),
    proxy: z.string(),
    boot: z.string(),
    /** The rules hash it decides by. */
    rules: z.string().max(128).optional(),
    /** Whether it takes nothing new any more, and only waits for what is open. */
    draining: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal('gone'), proxy: z.string(), boot: z.string() }),
  z.strictObject({
    kind: z.literal('confirmed'),
    proxy: z.string(),
    boot: z.string(),
    /** The event that was carried out. */
    sequence: z.int(),
    /** Whose end that was: a Redis that lost events gives their numbers to others. */
    grant: z.string().optional(),
    cut: z.int().min(0),
  }),
  z.strictObject({
    kind: z.literal('usage'),
    proxy: z.string(),
    boot: z.string(),
    grant: z.string(),
    number: z.int().min(1),
    usage: usageShape,
  }),
  z.strictObject({
    kind: z.literal('break-glass'),
    proxy: z.string(),
    boot: z.string(),
    /** `glassId` of the pass. */
    grant: z.string().max(64),
    /** When it was first used there. */
    at: z.int(),
    /** The pass itself, with its signatures. */
    statement: z.string().max(longestGlassText),
  }),
  z.strictObject({
    kind: z.literal('reasserted'),
    proxy: z.string(),
    boot: z.string(),
    /** The signed end of a grant that Redis holds as live again. */
    statement: z.string().max(8_192),
  }),
  z.strictObject({
    kind: z.literal('lock-lost'),
    proxy: z.string(),
    boot: z.string(),
    /** The signed statement by which somebody is locked out, of whom Redis knows nothing, or something older. */
    statement: z.string().max(8_192),
  }),
])
export type Report = z.output<typeof reportShape>

/** What a proxy says at once, in order: all that proxies may write. */
export const reportsShape = z.strictObject({
  environment: z.string(),
  reports: z.array(reportShape).min(1).max(200),
})
export type Reports = z.output<typeof reportsShape>
