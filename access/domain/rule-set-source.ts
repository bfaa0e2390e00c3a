import { z } from 'zod'
import { parseDuration } from './duration.ts'

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text)
  if (ms === undefined)
    context.addIssue({ code: 'custom', message: `"${text}" is not a duration; write 30s, 15m, 2h or 1h30m` })
  return ms ?? 0
})

const rate = z.string().transform((text, context) => {
  const parts = /^([1-9]\d{0,5})\/(s|m)$/.exec(text)
  if (parts === null)
    context.addIssue({ code: 'custom', message: `"${text}" is not a rate; write 10/s or 30/m` })
  return Number(parts?.[1] ?? 0) / (parts?.[2] === 'm' ? 60 : 1)
})

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const hostLabel = z
  .string()
  .regex(label, 'use lower-case letters, digits and dashes, at most 63 (a host label, RFC 1123)')
const name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'begin with a lower-case letter; then letters, digits, - and _')
const domain = z
  .string()
  .regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/, 'write a plain domain in lower case, without port or scheme')
const baseUrl = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const fault =
    url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')
      ? 'is not an http or https URL'
      : url.username !== '' || url.password !== ''
        ? 'holds a user name or password; never write secrets here'
        : url.pathname !== '/' || url.search !== '' || url.hash !== ''
          ? 'has a path; give only scheme, host and port'
          : undefined
  if (fault !== undefined) context.addIssue({ code: 'custom', message: `"${text}" ${fault}` })
})
const issuer = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !/[\s?#]/.test(text), 'an issuer has no query or fragment')
const some = <T extends z.ZodType>(member: T) => z.array(member).min(1)

const approvals = z.strictObject({ count: z.int().min(1).max(5), from: some(name) })

const tierDefaults = z.strictObject({
  longest: duration,
  rate,
  when_stale: duration,
  reason: z.enum(['required', 'optional']).default('optional'),
  approvals: approvals.optional(),
})

const patternsByTier = z.record(name, z.array(z.string()))

/** The shape of the YAML. What names refer to is checked by `parse-rule-set.ts`. */
export const ruleSetSource = z.strictObject({
  version: z.literal(1),
  environment: name,
  domain,
  identity: z.strictObject({ issuer, audience: z.string().min(1) }),
  people: z.record(name, z.strictObject({ groups: some(z.string().min(1)) })),
  tiers: z.record(name, tierDefaults),
  profiles: z.record(name, z.strictObject({ tiers: patternsByTier })).default({}),
  services: z.record(
    hostLabel,
    z.strictObject({
      profile: name.optional(),
      releases: z.record(name, baseUrl),
      serve: name,
      pagerduty: z
        .array(z.string().regex(/^[A-Z0-9]{6,20}$/, 'is not a PagerDuty id such as PNE3JZM'))
        .default([]),
      trusted_triggers: z.array(z.string().min(1)).default([]),
      channel: z
        .string()
        .regex(/^(?:#[a-z0-9_-]{1,80}|[CG][A-Z0-9]{8,})$/, 'write "#channel" or a channel id'),
      owners: some(name),
      labels: z.array(name).default([]),
      tiers: patternsByTier.default({}),
    }),
  ),
  on_page: z
    .array(
      z.strictObject({
        services: some(z.string()),
        who: some(name),
        urgency: z.enum(['high', 'low', 'any']).default('any'),
        give: name,
        how: z.enum(['auto', 'offer', 'on acknowledge']),
        for: duration,
        cap: duration.optional(),
        grace: duration.optional(),
      }),
    )
    .default([]),
  on_request: z
    .array(
      z.strictObject({
        who: some(name),
        services: some(z.string()).default(['*']),
        tiers: some(name),
        how: z.enum(['at once', 'approval']),
      }),
    )
    .default([]),
})

export type RuleSetSource = z.output<typeof ruleSetSource>
