import { z } from 'zod'
import { parseDuration } from '../domain/duration.ts'
import { parseInstant, parseWindowDays, parseWindowHours } from './read-time.ts'

/** Text that reads as something else; what does not gets the message. */
const read = <Read>(parse: (text: string) => Read | undefined, message: (text: string) => string) =>
  z.string().transform((text, context): Read => {
    const value = parse(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: message(text) })
    return z.NEVER
  })

const duration = read(
  parseDuration,
  (text) => `"${text}" is not a duration; write 30s, 15m, 2h, 1h30m or 14d`,
).meta({ examples: ['15m', '2h'] })

const rate = read(
  (text) => {
    const parts = /^([1-9]\d{0,5})\/(s|m)$/.exec(text)
    return parts === null ? undefined : Number(parts[1]) / (parts[2] === 'm' ? 60 : 1)
  },
  (text) => `"${text}" is not a rate; write 10/s or 30/m`,
).meta({ examples: ['10/s', '30/m'] })

const share = read(
  (text) => {
    const parts = /^([1-9]\d?|100)%$/.exec(text)
    return parts === null ? undefined : Number(parts[1]) / 100
  },
  (text) => `"${text}" is not a share; write 50% (1% to 100%)`,
).meta({ examples: ['50%'] })

const levels = z.union([
  z
    .int()
    .min(1)
    .max(20)
    .transform((level) => ({ from: level, to: level })),
  read(
    (text) => {
      const parts = /^([1-9]\d?)-([1-9]\d?)$/.exec(text)
      const [from, to] = [Number(parts?.[1]), Number(parts?.[2])]
      return parts === null || from > to ? undefined : { from, to }
    },
    (text) => `"${text}" is no range of escalation levels; write 1 or 1-2`,
  ),
])

const instant = (edge: 'start' | 'end') =>
  read(
    (text) => parseInstant(text, edge),
    (text) => `"${text}" is not a time; write 2026-12-20 (a day, UTC) or 2026-12-20T18:00+01:00`,
  ).meta({ examples: ['2026-12-31', '2026-12-20T18:00+01:00'] })

const hostLabel = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'use lower-case letters, digits and dashes, at most 63 (a host label, RFC 1123)',
  )
const name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'begin with a lower-case letter; then letters, digits, - and _')
const domain = z
  .string()
  .regex(
    /^(?=.{1,190}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
    'write a plain domain in lower case, without port or scheme',
  )
const text = z.string().regex(/^\S(?:.{0,253}\S)?$/, 'write 1 to 255 characters, without spaces around them')

/** Scheme, host and port, nothing else. */
const origin = z.string().superRefine((written, context) => {
  const url = URL.canParse(written) ? new URL(written) : undefined
  const fault =
    url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')
      ? 'is not an http or https URL'
      : url.username !== '' || url.password !== ''
        ? 'holds a user name or password; never write secrets here'
        : url.pathname !== '/' || url.search !== '' || url.hash !== '' || /[?#]/.test(written)
          ? 'has a path; give only scheme, host and port'
          : undefined
  // What may be a secret is not repeated.
  const shown = url !== undefined && url.username === '' && url.password === '' ? `"${written}"` : 'the URL'
  if (fault !== undefined) context.addIssue({ code: 'custom', message: `${shown} ${fault}` })
})
const issuer = z.string().superRefine((written, context) => {
  const url = URL.canParse(written) ? new URL(written) : undefined
  const fault =
    url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')
      ? 'an issuer is an http or https URL'
      : url.username !== '' || url.password !== ''
        ? 'an issuer holds no user name or password'
        : /[\s?#]/.test(written)
          ? 'an issuer has no query or fragment'
          : undefined
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
})

/** A list with at least one member, none of them twice. */
const some = <T extends z.ZodType>(member: T) =>
  z
    .array(member)
    .min(1)
    .superRefine((members, context) => {
      for (const [index, one] of members.entries())
        if (typeof one === 'string' && members.indexOf(one) < index)
          context.addIssue({ code: 'custom', path: [index], message: `"${one}" stands twice in this list` })
    })

const people = some(name).describe('names of sets of people; "owners" are those of the service')
const serviceList = some(z.string()).describe('names of services, label:x, or "*" for all')
const patterns = z
  .array(z.string())
  .describe('METHOD /path: "*" is one segment, "**" at the end the rest; WS is an upgrade; GET includes HEAD')

const timeWindow = z.strictObject({
  days: read(
    parseWindowDays,
    (written) => `"${written}" names no days; write mon-fri or "sat, sun" (mon tue wed thu fri sat sun)`,
  )
    .default([0, 1, 2, 3, 4, 5, 6])
    .describe('on which it begins: mon-fri, or "sat, sun"'),
  hours: read(
    parseWindowHours,
    (written) => `"${written}" are no hours; write 09:00-17:00 (22:00-06:00 ends on the next day)`,
  ).describe('by the clock of the zone: 09:00-17:00'),
  zone: z
    .string()
    .refine((zone) => knownZones.has(zone), 'is not an IANA time zone such as Europe/Berlin or UTC')
    .describe('an IANA time zone such as Europe/Berlin'),
})
const knownZones = new Set([...Intl.supportedValuesOf('timeZone'), 'UTC'])
const when = z
  .union([timeWindow.transform((window) => [window]), z.array(timeWindow).min(1)])
  .describe('only in these time windows')

const approvals = z.strictObject({
  count: z.int().min(1).max(5).default(1).describe('how many people have to approve'),
  from: people,
  distinct: z.literal('teams').optional().describe('each approval must come from another set of "from"'),
  escalate: z
    .strictObject({ after: duration, to: people })
    .optional()
    .describe('whom it is put before, too, when nobody answered'),
})

const tierTerms = z.strictObject({
  longest: duration.describe('the longest a pass may last'),
  default: duration.optional().describe('how long one lasts when no duration is given; 1h at most'),
  rate: rate.describe('requests per second (10/s) or minute (30/m) of one person'),
  burst: z.int().min(1).max(1_000_000).optional().describe('how many at once; by default one second’s worth'),
  when_stale: duration.describe('how old the knowledge of passes may be before this tier closes'),
  reason: z
    .enum(['optional', 'required', 'ticket'])
    .optional()
    .describe('what has to be said: nothing, why, or why with a ticket such as CHG-123'),
  approvals: approvals.optional(),
  extend: z
    .strictObject({ count: z.int().min(0).max(100).optional(), share: share.optional() })
    .optional()
    .describe('how often a pass may be extended, and by how much of what it first gave'),
  proxy_only: z.boolean().optional().describe('only through the proxy, which can cut what is open'),
  sign_in: z
    .strictObject({ acr: text.optional(), max_age: duration.optional() })
    .optional()
    .describe('what the sign-in must have been: its class (acr), and how long ago at most'),
})

/** What a service or profile says of one tier: patterns, or patterns and terms of its own. */
const ownTier = z.union([patterns, tierTerms.partial().extend({ allow: patterns.default([]) })])
const ownTiers = z.record(name, ownTier)

const ruleName = name.optional().describe('what the rule is called in messages and audit')

const service = z.strictObject({
  profile: name.optional().describe('the profile whose tiers it shares'),
  releases: z.record(name, origin).describe('base URLs by release name'),
  serve: name.describe('the release that is served at first'),
  pagerduty: z
    .array(z.string().regex(/^[A-Z0-9]{6,20}$/, 'is not a PagerDuty id such as PNE3JZM'))
    .default([])
    .describe('ids of the PagerDuty services whose incidents concern it'),
  trusted_triggers: z
    .array(text)
    .default([])
    .describe('ids of the PagerDuty integrations whose incidents may give a pass by themselves'),
  channel: z
    .string()
    .regex(/^(?:#[a-z0-9_-]{1,80}|[CG][A-Z0-9]{8,})$/, 'write "#channel" or a channel id')
    .describe('the incident channel'),
  owners: people,
  labels: z.array(name).default([]),
  tiers: ownTiers.default({}).describe('what it allows beyond its profile, and where its terms differ'),
})

const pageRule = z.strictObject({
  name: ruleName,
  services: serviceList,
  who: people,
  urgency: z.enum(['high', 'low', 'any']).default('any'),
  priority: some(text).optional().describe('names of PagerDuty priorities, such as P1'),
  levels: levels.optional().describe('escalation levels: 1, or 1-2'),
  when: when.optional(),
  give: name.describe('the tier'),
  how: z.enum(['auto', 'on acknowledge', 'offer']),
  for: duration.describe('renewed while incident and assignment last'),
  cap: duration.optional().describe('never longer in all; by default as long as "for"'),
  also: z
    .array(z.strictObject({ services: serviceList, tier: name }))
    .default([])
    .describe('what it gives beside'),
  grace: duration.optional().describe('how long it goes on after the incident'),
})

const requestRule = z.strictObject({
  name: ruleName,
  who: people,
  services: serviceList.default(['*']),
  tiers: some(name),
  how: z.enum(['at once', 'approval']),
  when: when.optional(),
  ahead: duration.optional().describe('how far ahead a pass may be asked for'),
})

const standingRule = z.strictObject({
  name: ruleName,
  from: z
    .string()
    .regex(
      /^(?:workload:[a-z][a-z0-9_-]{0,62}|on call of \S+|[a-z][a-z0-9_-]{0,62})$/,
      'write workload:checkout, a set of people, or "on call of orders-svc"',
    )
    .describe('workload:checkout, a set of people, or "on call of orders-svc"'),
  to: z.union([z.string().transform((one) => [one]), serviceList]),
  tier: name.optional().describe('all that this tier and those below it allow; or'),
  allow: patterns.min(1).optional().describe('just these patterns'),
  rate: rate.optional().describe('with "allow": by default there is no limit'),
  burst: z.int().min(1).max(1_000_000).optional(),
})

const egressRule = z.strictObject({
  name: ruleName,
  from: z.union([name.transform((one) => [one]), some(name)]).describe('names of workloads'),
  to: z.union([origin.transform((one) => [one]), some(origin)]).describe('origins: https://api.stripe.com'),
  allow: patterns.min(1),
})

const freeze = z.strictObject({
  name: ruleName,
  services: serviceList.default(['*']),
  tiers: some(name),
  from: instant('start'),
  until: instant('end'),
  because: text,
})

const publicKey = read(
  (written) => {
    const ssh = /^ssh-ed25519 ([A-Za-z0-9+/]+={0,2})(?: .*)?$/.exec(written)
    const bytes = Buffer.from(ssh?.[1] ?? written, ssh === null ? 'base64url' : 'base64')
    if (ssh !== null) {
      const begins = bytes.length === 51 && bytes.subarray(4, 15).toString() === 'ssh-ed25519'
      return begins ? bytes.subarray(19).toString('base64url') : undefined
    }
    return /^[A-Za-z0-9_-]{43}$/.test(written) && bytes.length === 32 ? written : undefined
  },
  () => 'is no Ed25519 public key; write ssh-ed25519 AAAA…, or its 32 bytes in base64url',
)

/** The shape of the YAML. What names refer to is checked by `compile.ts`. */
export const ruleSetSource = z.strictObject({
  version: z.literal(1),
  environment: name.describe('what the keys, the directory and the seal are for'),
  domain: domain.describe('services answer at <service>.<domain>'),
  identity: z
    .strictObject({ issuer, audience: text, session_max: duration.default(43_200_000) })
    .describe('the identity provider (OpenID Connect)'),
  people: z
    .record(
      name,
      z.strictObject({
        groups: some(text).default([]),
        roles: some(text).default([]),
        subjects: some(text).default([]),
        until: instant('end').optional().describe('the last day on which anybody belongs to it'),
      }),
    )
    .describe('named sets of people: by groups, roles or subjects at the identity provider'),
  workloads: z
    .record(name, z.strictObject({ subjects: some(text) }))
    .default({})
    .describe('named programs: by their subjects at the identity provider'),
  tiers: z.record(name, tierTerms).describe('steps of access in rising order, each including those before'),
  profiles: z.record(name, z.strictObject({ tiers: ownTiers })).default({}),
  services: z.record(hostLabel, service),
  on_page: z.array(pageRule).default([]).describe('what a page gives; the first rule that fits decides'),
  on_request: z.array(requestRule).default([]).describe('who may ask; the first rule that fits decides'),
  standing: z.array(standingRule).default([]).describe('access that needs no pass'),
  egress: z.array(egressRule).default([]).describe('what workloads may call outside'),
  freeze: z.array(freeze).default([]).describe('when nothing is given by hand; a page still gives'),
  break_glass: z
    .strictObject({
      who: people,
      tier: name,
      for: duration,
      need: z.int().min(1).max(10),
      keys: z.record(name, publicKey).describe('Ed25519 public keys by name'),
    })
    .optional(),
  incident_command: z.strictObject({ who: people, cap: name }).optional(),
  lock: z
    .strictObject({ who: people, lift: z.int().min(1).max(5).default(2) })
    .optional()
    .describe('who may shut somebody out, and how many it takes to let them in again'),
  drain: duration.default(7_200_000).describe('how long a replaced proxy keeps its open streams'),
})

export type RuleSetSource = z.output<typeof ruleSetSource>
export type OwnTier = z.output<typeof ownTier>
