import { z } from 'zod'
import { layoutOf } from '../faults/schema-at.ts'
import { quoted } from '../faults/wording.ts'
import { duration, instant, read, text } from '../source.ts'

/** `POST /v1/orders/7/retry`, as it would be sent; `WS /ws` is an upgrade. */
const parseRequest = (written: string): { method: string; path: string } | undefined => {
  const [, method, path] = /^([A-Z]+) (\/\S*)$/.exec(written) ?? []
  return method === undefined || path === undefined ? undefined : { method, path }
}

const notARequest = (written: unknown): string => {
  const said = typeof written === 'string' ? written.trim() : ''
  const [, method = 'GET', path] = /^(?:([a-z]+)\s+)?(\/\S*)$/i.exec(said) ?? []
  const meant = path === undefined ? 'GET /v1/orders/7' : `${method.toUpperCase()} ${path}`
  return `${quoted(written)} is not a request; write ${meant}`
}

const request = read(parseRequest, notARequest, {
  pattern: '^[A-Z]+ /\\S*$',
  examples: ['POST /v1/orders/7/retry', 'WS /ws'],
}).describe('METHOD /path as it would be sent; WS is an upgrade')

const moment = instant('start')

/** Somebody as the identity provider would show them. */
const person = z.strictObject({
  subject: text.optional().describe('at the identity provider; by default the name'),
  groups: z.array(text).default([]),
  roles: z.array(text).default([]),
  acr: text.optional().describe('the class of their sign-in'),
  signed_in: duration.optional().describe('how long ago they signed in'),
  active: z.boolean().default(true),
})

const pass = z.strictObject({
  tier: text,
  by: z
    .enum(['page', 'request'])
    .default('request')
    .describe('whether it came with a page, or was asked for'),
  approved_by: z
    .array(text)
    .optional()
    .describe('people of these cases, or sets of people; by default as many as the tier demands'),
  from: moment.optional().describe('by default the time of the case'),
  for: duration.optional().describe('by default as long as the rules give it'),
})
const onePass = z.union([pass, text.transform((tier): PassSource => ({ tier, by: 'request' }))])

const asking = z.strictObject({
  tier: text.optional().describe('by default the lowest'),
  for: duration.optional(),
  because: text.optional(),
  from: moment.optional().describe('when it is to begin'),
})

const page = z.strictObject({
  urgency: z.enum(['high', 'low']).optional().describe('high, where it is left out'),
  priority: text.optional().describe('the name of a PagerDuty priority'),
  level: z.int().min(1).max(20).optional().describe('of the escalation policy; 1, where it is left out'),
  trigger: text
    .optional()
    .describe('the integration that set it off, self, or unknown; by default one that the service trusts'),
  acknowledged: z.boolean().optional(),
})

/** What may come of a request, of asking, and of a page. */
export const outcomes = ['allowed', 'refused', 'at once', 'approval', 'given', 'offered'] as const
const outcome = z.enum(outcomes)

const expectation = z.strictObject({
  is: outcome,
  tier: text.optional().describe('that it counts under, that it needs, or that is given'),
  pattern: text.optional().describe('that admits the request'),
  rule: text.optional().describe('the name of the rule, or its place: on_request[0]'),
  for: duration.optional().describe('how long the pass lasts'),
  by: z.array(text).min(1).optional().describe('the sets of people who may approve'),
  count: z.int().min(1).optional().describe('how many of them it takes'),
  reason: text.optional().describe('the code of why it is refused, or of why no more is given'),
})

const oneCase = z.strictObject({
  name: text.optional().describe('what the case is called in messages'),
  at: moment.optional(),
  who: text.describe('one of the people above, or workload:checkout'),
  holds: z
    .union([
      pass.transform((one) => [one]),
      z.array(onePass),
      text.transform((tier): PassSource[] => [{ tier, by: 'request' }]),
    ])
    .default([])
    .describe('the passes for this service that they hold'),
  service: text,
  request: request.optional(),
  ask: z.union([asking, text.transform((tier): AskSource => ({ tier }))]).optional(),
  page: page.optional().describe('the page that reaches them; {} is one as they mostly are'),
  stale: duration.optional().describe('how old what the proxy knows of passes is'),
  expect: z
    .union([expectation, outcome.transform((is): Expectation => ({ is }))])
    .describe('allowed or refused; at once, approval or refused; given, offered, approval or refused'),
})

/** The shape of a file of cases. What names refer to is checked by `check-case.ts`. */
export const caseFileSource = z.strictObject({
  at: moment.describe('the time of each case that says none'),
  people: z.record(text, person).default({}).describe('who the cases are about'),
  cases: z.array(oneCase).min(1),
})

export type CaseFileSource = z.output<typeof caseFileSource>
export type CaseSource = CaseFileSource['cases'][number]
export type PersonSource = CaseFileSource['people'][string]
export type PassSource = z.output<typeof pass>
type AskSource = z.output<typeof asking>
export type Expectation = z.output<typeof expectation>
export type Outcome = z.output<typeof outcome>

export const caseLayout = layoutOf(
  caseFileSource,
  'the file holds no cases; begin with "at: 2026-11-20T12:00Z", "people:" and "cases:"',
)
