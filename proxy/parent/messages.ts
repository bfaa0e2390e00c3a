import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import { z } from 'zod'
import { modes } from '../mode.ts'

/** prom-client's own JSON of one metric, which only prom-client reads again. */
const metric = z.custom<MetricObjectWithValues<MetricValue<string>>>((it) => typeof it === 'object')

/** What a serving process tells its parent. */
export const toldShape = z.discriminatedUnion('kind', [
  /** It has read the rule set, by file and hash, and begins. */
  z.strictObject({
    kind: z.literal('begun'),
    rules: z.strictObject({ hash: z.string(), path: z.string(), files: z.map(z.string(), z.string()) }),
  }),
  /** What it waits for until it can decide on everything, and how it gets on meanwhile. Told anew when that changes. */
  z.strictObject({
    kind: z.literal('waits'),
    for: z.array(z.string()),
    mode: z.strictObject({ mode: z.enum(modes), closed: z.array(z.string()) }),
  }),
  z.strictObject({ kind: z.literal('listens'), port: z.int(), authzPort: z.int().or(z.undefined()) }),
  /** What it has counted; undefined where that can't be read. */
  z.strictObject({
    kind: z.literal('measured'),
    ask: z.int(),
    metrics: z.array(metric).optional(),
  }),
])
export type Told = z.output<typeof toldShape>

/** What the parent asks of a serving process. Signals do the rest: SIGTERM to drain, SIGINT to stop. */
export const askedShape = z.discriminatedUnion('kind', [
  /** Connections may come. */
  z.strictObject({ kind: z.literal('listen') }),
  z.strictObject({ kind: z.literal('measure'), ask: z.int() }),
])
export type Asked = z.output<typeof askedShape>
