import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { beforeEach, expect, test, vi } from 'vitest'
import type { Allowed } from '#access/domain/decision.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { principalKey } from '#access/domain/principal.ts'
import { createView, type View } from '#access/domain/view.ts'
import { createExchange, type Exchange } from '#proxy/exchange.ts'
import { createGrantUses, type GrantUses } from '#proxy/grant-uses.ts'
import { createProxyMetrics } from '#proxy/metrics.ts'
import { createPipeline, type PipelineParts } from '#proxy/pipeline.ts'
import { createRecords } from '#proxy/records.ts'
import { aGrant, hour, minute, noon, rulesOf, serviceIn, tierIn } from '../builders.ts'

/** What only time and signatures decide, without the races that a running proxy has. */

const rules = rulesOf()
const service = serviceIn(rules)
let now = noon
let view: View
let uses: GrantUses
let due: number
let pipeline: ReturnType<typeof createPipeline>

beforeEach(() => {
  now = noon
  due = 0
  view = createView()
  view.resync(0).commit()
  view.headSeen(noon + hour)
  uses = createGrantUses(
    () => now,
    () => {
      due += 1
    },
    { bucket: () => ({ take: () => 0, forgotten: false }) },
  )
  const clock = { now: () => now }
  const metrics = createProxyMetrics(() => 0)
  const records = createRecords({
    rules,
    view,
    clock,
    metrics,
    nextId: () => '2',
    audit: { append: () => undefined },
  })
  const parts: Partial<PipelineParts> = {
    rules,
    view,
    uses,
    clock,
    records,
    metrics,
    brokeGlass: () => undefined,
  }
  // Looking again needs nothing of what forwards.
  pipeline = createPipeline(parts as PipelineParts)
})

let sequence = 0
const give = (grant: Grant, verified: boolean): HeldGrant => {
  sequence = view.sequence() + 1
  const { given } = view.apply({ kind: 'grant', sequence, grant, statement: `${grant.version}` })
  if (given === undefined) throw new Error('the view did not take it')
  view.agreed(sequence)
  given.verified = verified
  return given
}

const open = (held: HeldGrant): Exchange => {
  const request = new IncomingMessage(new Socket())
  request.method = 'GET'
  const exchange = createExchange(request, new ServerResponse(request), '1', now)
  const { who } = held.grant
  exchange.path = '/v1/orders'
  exchange.service = service
  exchange.identity = {
    principal: principalKey(who),
    issuer: who.issuer,
    subject: who.subject,
    groups: ['team-payments'],
    validUntil: noon + hour,
  }
  const tier = tierIn(service, 'observe')
  const [pattern] = tier.patterns
  if (pattern === undefined) throw new Error('no pattern')
  const decision: Allowed = { allow: true, service, held, tier, pattern }
  exchange.decision = decision
  uses.enter(uses.of(held), exchange)
  return exchange
}

const first = aGrant({ from: noon, until: noon + 10 * minute })
const longer = { ...first, version: 2, until: noon + 60 * minute }

test('While a newer version is not proven, what is open goes on until the end of the older one', () => {
  const exchange = open(give(first, true))
  const newer = give(longer, false)
  expect(pipeline.recheck([exchange])).toBe(0)
  expect(exchange.decision?.held.grant.version).toBe(1)
  expect(uses.of(newer).held.grant.version).toBe(1)
  now = first.until
  expect(pipeline.recheck([exchange])).toBe(1)
  expect(exchange.outcome).toBe('cut')
})

test('Once it is proven, what is open goes on under it', () => {
  const exchange = open(give(first, true))
  const newer = give(longer, true)
  expect(pipeline.recheck([exchange])).toBe(0)
  expect(exchange.decision?.held).toBe(newer)
  expect(exchange.use?.held).toBe(newer)
  now = first.until
  expect(pipeline.recheck([exchange])).toBe(0)
})

test('Once it is found to be forged, what is open is cut', () => {
  const exchange = open(give(first, true))
  view.reject(give(longer, false))
  expect(pipeline.recheck([exchange])).toBe(1)
})

test('A pass that nobody has proven takes over nothing', () => {
  const exchange = open(give(first, true))
  const other = { ...longer, id: 'cccc-dddd-eeee', version: 1 }
  give(other, false)
  expect(pipeline.recheck([exchange])).toBe(0)
  view.apply({
    kind: 'end',
    sequence: sequence + 1,
    statement: 'end',
    end: { id: first.id, version: 2, environment: 'sandbox', state: 'ended', cause: 'revoked', at: noon },
  })
  expect(pipeline.recheck([exchange])).toBe(1)
})

test('The clock is set to the newest proven version, also when nothing was open as it came', () => {
  vi.useFakeTimers()
  try {
    const exchange = open(give(first, true))
    uses.leave(exchange)
    const shorter = give({ ...first, version: 2, until: noon + minute }, true)
    uses.enter(uses.of(shorter), exchange)
    now = noon + minute
    vi.advanceTimersByTime(minute)
    expect(due).toBe(1)
  } finally {
    vi.useRealTimers()
  }
})
