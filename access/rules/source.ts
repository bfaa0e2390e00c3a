import { z } from 'zod'
import { parseDuration } from '../domain/duration.ts'
import { plainMethods } from '../domain/path-pattern.ts'
import { reasonDemands } from '../domain/tier.ts'
import {
  faultOfIssuer,
  faultOfOrigin,
  faultOfRelease,
  invisible,
  isZone,
  notAChannel,
  notADomain,
  notADuration,
  notAFrom,
  notAHost,
  notAKey,
  notAName,
  notAPagerDutyId,
  notARate,
  notAShare,
  notAText,
  notATime,
  notAZone,
  notDays,
  notHours,
  notLevels,
  notVisible,
  quoted,
} from './faults/wording.ts'
import { publicKeyIn, publicKeyPattern } from './public-key.ts'
import { parseInstant, parseWindowDays, parseWindowHours } from './read-time.ts'

/** The words for a value that is not what it should be; what is missing has words of its own. */
const saying =
  (words: (written: unknown) => string) =>
  ({ input }: { readonly input?: unknown }): string | undefined =>
    input === undefined ? undefined : words(input)

/**
 * Text that reads as something else; what does not gets the words. Editors are told by `looks`, which may let through what
 * is refused here, and refuses no usual way of writing it.
 */
export const read = <Read>(
  parse: (text: string) => Read | undefined,
  words: (written: unknown) => string,
  looks: { readonly pattern: string; readonly examples?: readonly string[] },
) =>
  z
    .string({ error: saying(words) })
    .transform((text, context): Read => {
      const value = parse(text)
      if (value !== undefined) return value
      context.addIssue({ code: 'custom', message: words(text) })
      return z.NEVER
    })
    .meta({ ...looks })

/** What a text looks like, for editors: where it is refused in better words later on. */
const looking = (pattern: string) => z.string().meta({ pattern })

export const duration = read(parseDuration, notADuration, {
  pattern: '^(?=.*[1-9])(?:\\d{1,4}d)?(?:\\d{1,4}h)?(?:\\d{1,4}m)?(?:\\d{1,5}s)?$',
  examples: ['15m', '2h'],
})

const rate = read(
  (text) => {
    const parts = /^([1-9]\d{0,5})\/(s|m)$/.exec(text)
    return parts === null ? undefined : Number(parts[1]) / (parts[2] === 'm' ? 60 : 1)
  },
  notARate,
  { pattern: '^[1-9]\\d{0,5}/(?:s|m)$', examples: ['10/s', '30/m'] },
)

const share = read(
  (text) => {
    const parts = /^([1-9]\d?|100)%$/.exec(text)
    return parts === null ? undefined : Number(parts[1]) / 100
  },
  notAShare,
  { pattern: '^(?:[1-9]\\d?|100)%$', examples: ['50%'] },
)

const levels = z.union(
  [
    z
      .int()
      .min(1)
      .max(20)
      .transform((level) => ({ from: level, to: level })),
    read(
      (text) => {
        if (text === 'any') return text
        const parts = /^([1-9]\d?)-([1-9]\d?)$/.exec(text)
        const [from, to] = [Number(parts?.[1]), Number(parts?.[2])]
        return parts === null || from > to ? undefined : { from, to }
      },
      notLevels,
      { pattern: '^(?:[1-9]\\d?-[1-9]\\d?|any)$', examples: ['1-2', 'any'] },
    ),
  ],
  { error: saying(notLevels) },
)

export const instant = (edge: 'start' | 'end') =>
  read((text) => parseInstant(text, edge), notATime, {
    pattern: '^\\d{4}-\\d{2}-\\d{2}(?:T[0-2]\\d:[0-5]\\d(?::[0-5]\\d)?(?:Z|[+-][0-2]\\d:[0-5]\\d))?$',
    examples: ['2026-12-31', '2026-12-20T18:00+01:00'],
  })

const hostLabel = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, { error: saying(notAHost) })
const namePattern = '^[a-z][a-z0-9_-]{0,62}$'
/** A name that is given here. */
const name = z.string({ error: saying(notAName) }).regex(new RegExp(namePattern), { error: saying(notAName) })
/** A name that is given elsewhere; `compile/` says whether it is. */
const named = looking(namePattern)
const domain = z
  .string({ error: saying(notADomain) })
  .regex(/^(?=.{1,190}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/, {
    error: saying(notADomain),
  })
export const text = z.string().regex(/^\S(?:.{0,253}\S)?$/, { error: saying(notAText) })
/** What the identity provider says of somebody: none that looks like another one. */
const claim = text.refine((written) => !invisible.test(written), { error: saying(notVisible) })

/** Scheme, host and port, nothing else. */
const origin = looking('^https?://[^/?#@\\s]+/?$').superRefine((written, context) => {
  const message = faultOfOrigin(written)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})
const release = looking('^(?:https?|h2c)://[^/?#@\\s]+/?$').superRefine((written, context) => {
  const message = faultOfRelease(written)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})
const issuer = looking('^https?://[^/?#@\\s]+(?:/[^?#\\s]*)?$').superRefine((written, context) => {
  const message = faultOfIssuer(written)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})

/** A list with at least one member, none of them twice. */
const some = <T extends z.ZodType>(member: T) =>
  z
    .array(member)
    .min(1)
    .superRefine((members, context) => {
      const before = new Set<unknown>()
      for (const [index, one] of members.entries()) {
        if (typeof one === 'string' && before.has(one))
          context.addIssue({
            code: 'custom',
            path: [index],
            message: `${quoted(one)} stands twice in this list; keep one`,
          })
        before.add(one)
      }
    })
    .meta({ uniqueItems: true })

const people = some(named).describe('names of sets of people; "owners" are those of the service')
const serviceName = looking('^(?:[*]|label:[a-z][a-z0-9_-]{0,62}|[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$')
const serviceList = some(serviceName).describe('names of services, label:x, or "*" for all')
const segmentLooks = "(?!\\.{1,2}(?:/|\\s|$))(?:[A-Za-z0-9._~!$&'()+,=:@-]|%[0-9A-F]{2})+"
const patterns = z
  .array(
    looking(
      `^\\s*(?:[*]|WS|${plainMethods.join('|')})\\s+(?=/)(?:/(?:[*]|${segmentLooks}))*(?:/(?:[*]{2})?)?\\s*$`,
    ),
  )
  .describe('METHOD /path: "*" is one segment, "**" at the end the rest; WS is an upgrade; GET includes HEAD')

const dayLooks = '(?:mon|tue|wed|thu|fri|sat|sun)'
const daysLook = `\\s*${dayLooks}(?:-${dayLooks})?\\s*`
const timeZone = looking('^[A-Za-z][A-Za-z0-9_+/-]*$').refine(isZone, { error: saying(notAZone) })
const timeWindow = z.strictObject({
  days: read(parseWindowDays, notDays, {
    pattern: `^${daysLook}(?:,${daysLook})*$`,
    examples: ['mon-fri', 'sat, sun'],
  })
    .default([0, 1, 2, 3, 4, 5, 6])
    .describe('on which it begins: mon-fri, or "sat, sun"'),
  hours: read(parseWindowHours, notHours, {
    pattern: '^[0-2]\\d:[0-5]\\d-(?:[0-2]\\d:[0-5]\\d|24:00)$',
    examples: ['09:00-17:00'],
  }).describe('by the clock of the zone: 09:00-17:00'),
  zone: timeZone.describe('an IANA time zone such as Europe/Berlin'),
})
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
  sign_in: z
    .strictObject({ acr: text.optional(), max_age: duration.optional() })
    .optional()
    .describe(
      'each approver signs in anew for what they approve: of which class (acr), and how long before at most (5m)',
    ),
})

const tierTerms = z.strictObject({
  longest: duration.describe('the longest a pass may last'),
  default: duration.optional().describe('how long one lasts when no duration is given; 1h at most'),
  rate: rate.describe('requests per second (10/s) or minute (30/m) of one person'),
  burst: z.int().min(1).max(1_000_000).optional().describe('how many at once; by default one second’s worth'),
  when_stale: duration.describe('how old the knowledge of passes may be before this tier closes'),
  reason: z
    .enum(reasonDemands)
    .optional()
    .describe('what has to be said: nothing, why, or why with a ticket such as CHG-123'),
  approvals: approvals.optional().describe('who has to agree first'),
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
  profile: named.optional().describe('the profile whose tiers it shares'),
  releases: z.record(name, release).describe('base URLs by release name'),
  serve: named.describe('the release that is served at first'),
  pagerduty: z
    .array(z.string().regex(/^[A-Z0-9]{6,20}$/, { error: saying(notAPagerDutyId) }))
    .default([])
    .describe('ids of the PagerDuty services whose incidents concern it'),
  trusted_triggers: z
    .array(text)
    .default([])
    .describe('ids of the PagerDuty integrations whose incidents may give a pass by themselves'),
  channel: z
    .string()
    .regex(/^(?:#[a-z0-9_-]{1,80}|[CG][A-Z0-9]{8,})$/, { error: saying(notAChannel) })
    .describe('the incident channel'),
  owners: people,
  timeouts: z
    .strictObject({
      connect: duration.optional().describe('until a connection stands (10s; 1m at most)'),
      headers: duration.optional().describe('until an answer, or a handshake, begins (30s; 1h at most)'),
      idle: duration.optional().describe('how long an answer that has begun may be silent (without end)'),
    })
    .optional()
    .describe('how long it may take; what takes longer is answered with 504'),
  labels: z.array(name).default([]).describe('rules name all services with a label as label:x'),
  tiers: ownTiers.default({}).describe('what it allows beyond its profile, and where its terms differ'),
})

const pageRule = z.strictObject({
  name: ruleName,
  services: serviceList,
  who: people,
  urgency: z.enum(['high', 'low', 'any']).default('any').describe('of the incident'),
  priority: some(text).optional().describe('names of PagerDuty priorities, such as P1'),
  levels: levels.optional().describe('escalation levels: 1, 1-2 or any'),
  when: when.optional(),
  give: named.describe('the tier'),
  how: z
    .enum(['auto', 'on acknowledge', 'offer'])
    .describe('auto gives at once; on acknowledge when it is taken or acknowledged; offer when it is taken'),
  for: duration.describe('renewed while incident and assignment last'),
  cap: duration.optional().describe('never longer in all; by default as long as "for"'),
  also: z
    .array(z.strictObject({ services: serviceList, tier: named }))
    .default([])
    .describe('what it gives beside'),
  grace: duration.optional().describe('how long it goes on after the incident'),
})

const requestRule = z.strictObject({
  name: ruleName,
  who: people,
  services: serviceList.default(['*']),
  tiers: some(named),
  how: z.enum(['at once', 'approval']).describe('at once, or when those who approve the tier agree'),
  when: when.optional(),
  ahead: duration.optional().describe('how far ahead a pass may be asked for'),
})

const standingRule = z.strictObject({
  name: ruleName,
  from: z
    .string({ error: saying(notAFrom) })
    .regex(/^(?:workload:\S+|on call of \S+|\S+)$/, { error: saying(notAFrom) })
    .describe('workload:checkout, a set of people, or "on call of orders-svc"'),
  to: z.union([serviceName.transform((one) => [one]), serviceList]),
  tier: named.optional().describe('all that this tier and those below it allow; or'),
  allow: patterns.min(1).optional().describe('just these patterns'),
  rate: rate.optional().describe('with "allow": by default there is no limit'),
  burst: z.int().min(1).max(1_000_000).optional(),
})

const egressRule = z.strictObject({
  name: ruleName,
  from: z.union([named.transform((one) => [one]), some(named)]).describe('names of workloads'),
  to: z.union([origin.transform((one) => [one]), some(origin)]).describe('origins: https://api.stripe.com'),
  allow: patterns.min(1),
})

const freeze = z.strictObject({
  name: ruleName,
  services: serviceList.default(['*']),
  tiers: some(named),
  from: instant('start'),
  until: instant('end'),
  because: text,
})

const publicKey = read(publicKeyIn, notAKey, { pattern: publicKeyPattern })

/** The shape of the YAML. What names refer to is checked by `compile/`. */
export const ruleSetSource = z.strictObject({
  version: z.literal(1),
  environment: name.describe('what the keys, the directory and the seal are for'),
  domain: domain.describe('services answer at <service>.<domain>'),
  identity: z
    .strictObject({
      issuer: issuer.describe('as in its tokens (iss)'),
      audience: text.describe('as in its tokens (aud)'),
      client: text
        .optional()
        .describe(
          'the client id that approvers sign in to: as in their ID tokens (aud); by default the audience',
        ),
      session_max: duration.default(43_200_000).describe('how long a stream may last on one sign-in (12h)'),
    })
    .describe('the identity provider (OpenID Connect)'),
  people: z
    .record(
      name,
      z.strictObject({
        groups: some(claim).default([]),
        roles: some(claim).default([]),
        subjects: some(claim).default([]),
        until: instant('end').optional().describe('the last day on which anybody belongs to it'),
      }),
    )
    .describe('named sets of people: by groups, roles or subjects at the identity provider'),
  workloads: z
    .record(name, z.strictObject({ subjects: some(claim) }))
    .default({})
    .describe('named programs: by their subjects at the identity provider'),
  tiers: z.record(name, tierTerms).describe('steps of access in rising order, each including those before'),
  profiles: z
    .record(name, z.strictObject({ tiers: ownTiers }))
    .default({})
    .describe('tiers that services share'),
  services: z.record(hostLabel, service).describe('what is protected'),
  on_page: z.array(pageRule).default([]).describe('what a page gives; the first rule that fits decides'),
  on_request: z.array(requestRule).default([]).describe('who may ask; the first rule that fits decides'),
  standing: z.array(standingRule).default([]).describe('access that needs no pass'),
  egress: z.array(egressRule).default([]).describe('what workloads may call outside'),
  freeze: z.array(freeze).default([]).describe('when nothing is given by hand; a page still gives'),
  break_glass: z
    .strictObject({
      who: people,
      tier: named,
      for: duration,
      acr: text
        .optional()
        .describe('what the fresh sign-in must be (OpenID Connect acr); else what the tier says'),
      need: z.int().min(1).max(10),
      keys: z.record(name, publicKey).describe('Ed25519 public keys by name'),
    })
    .optional(),
  incident_command: z.strictObject({ who: people, cap: named }).optional(),
  lock: z
    .strictObject({ who: people, lift: z.int().min(1).max(5).default(2) })
    .optional()
    .describe('who may shut somebody out, and how many it takes to let them in again'),
  paging: z
    .strictObject({
      per_day: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(24)
        .describe(
          'how many passes pages give one person by themselves in 24 hours; further ones are offered',
        ),
    })
    .default({ per_day: 24 }),
  drain: duration.default(7_200_000).describe('how long a replaced proxy keeps its open streams'),
  zone: timeZone
    .optional()
    .describe('by whose clocks people say when a pass is to begin: Europe/Berlin (UTC)'),
})

export type RuleSetSource = z.output<typeof ruleSetSource>
export type OwnTier = z.output<typeof ownTier>
