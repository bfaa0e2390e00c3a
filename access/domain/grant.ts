import { z } from 'zod'

/** Why a grant was given. `rule` is the id of the rule within the rule set named by the grant's `rules`. */
const why = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('page'),
    rule: z.string(),
    incident: z.strictObject({ id: z.string(), number: z.int(), title: z.string() }),
  }),
  z.strictObject({ kind: z.literal('request'), rule: z.string(), reason: z.string().optional() }),
])

/**
 * A grant as it is signed. Times are milliseconds since the epoch; `from` is included, `until` is not.
 * In messages to people a grant is a *pass*.
 */
export const grantShape = z.strictObject({
  id: z.string().regex(/^[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}$/),
  version: z.int().min(1),
  environment: z.string(),
  state: z.literal('active'),
  who: z.strictObject({ issuer: z.string(), subject: z.string(), name: z.string() }),
  services: z.array(z.string()).min(1),
  tier: z.string(),
  from: z.int(),
  until: z.int(),
  why,
  rules: z.string(),
  at: z.int(),
})

export type Grant = z.output<typeof grantShape>

export const endCauses = ['expired', 'revoked', 'incident over'] as const
export type EndCause = (typeof endCauses)[number]

/** The signed end of a grant. It beats every version of the grant it names. */
export const endShape = z.strictObject({
  id: grantShape.shape.id,
  version: z.int().min(2),
  environment: z.string(),
  state: z.literal('ended'),
  cause: z.enum(endCauses),
  by: z.strictObject({ issuer: z.string(), subject: z.string(), name: z.string() }).optional(),
  at: z.int(),
})

export type End = z.output<typeof endShape>

/** What a grant's uses are told under in messages: its incident, or itself. */
export const occasionOf = (grant: Grant): string =>
  grant.why.kind === 'page' ? grant.why.incident.id : grant.id
