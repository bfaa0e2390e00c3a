import { createServer } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Written } from '#access/adapters/audit-log.ts'
import { Fault } from '#access/domain/errors.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { principalKey } from '#access/domain/principal.ts'
import { createView, type View } from '#access/domain/view.ts'
import { type Listening, listen } from '#access/runtime/listen.ts'
import { type AuthzParts, createAuthz } from '#proxy/authz/handle.ts'
import { createGrantUses } from '#proxy/grant-uses.ts'
import { createProxyMetrics } from '#proxy/metrics.ts'
import { createRecords } from '#proxy/records.ts'
import { asForwardAuth } from '../../builders/front-proxy.ts'
import { type RawClient, rawClient } from '../../builders/raw-client.ts'
import { aGrant, anEnd, hour, minute, noon, rulesOf, until } from '../../builders.ts'

/** What lies between the record and the answer, without the races that a running proxy has. */

const rules = rulesOf()
const grant = aGrant({ until: noon + 10 * minute })
const target = '/v1/orders/7/retry'

let now: number
let view: View
let proven: boolean
/** The lines of the log, and what waits for the newest of them. */
let lines: Record<string, unknown>[]
let waiting: { readonly synced: boolean; readonly written: Written } | undefined
let listening: Listening
let client: RawClient

const give = (more = grant): HeldGrant | undefined => {
  const sequence = view.sequence() + 1
  const { given } = view.apply({ kind: 'grant', sequence, grant: more, statement: `${more.version}` })
  view.agreed(sequence)
  return given
}

beforeEach(async () => {
  now = noon
  proven = true
  lines = []
  waiting = undefined
  view = createView()
  view.resync(0).commit()
  view.headSeen(noon + hour)
  give()
  const clock = { now: () => now }
  const nextId = (): string => 'boot-1'
  const metrics = createProxyMetrics(() => 0)
  const records = createRecords({
    rules,
    view,
    clock,
    nextId,
    metrics,
    audit: {
      append: (line, synced = false, written) => {
        lines.push(JSON.parse(line) as Record<string, unknown>)
        if (written !== undefined) waiting = { synced, written }
      },
    },
  })
  const parts: Partial<AuthzParts> = {
    rules,
    view,
    clock,
    records,
    uses: createGrantUses(
      () => now,
      () => undefined,
      { bucket: () => ({ take: () => 0 }) },
    ),
    nextId,
    metrics,
    prove: async (held) => {
      held.verified = proven
      return proven
    },
  }
  const identity = { ...grant.who, principal: principalKey(grant.who), groups: ['team-payments'] }
  const handle = createAuthz(
    {
      ...(parts as AuthzParts),
      identities: {
        known: () => ({ ...identity, validUntil: noon + hour }),
      } as unknown as AuthzParts['identities'],
      assertions: {
        ready: (held: HeldGrant) => (held.verified ? 'a.b.c' : undefined),
        mint: async () => 'a.b.c',
      } as unknown as AuthzParts['assertions'],
    },
    () => true,
  )
  listening = await listen(createServer(handle), { host: '127.0.0.1', port: 0 })
  client = rawClient(listening.port)
})
afterEach(async () => {
  client.end()
  await listening.close()
})

const asked = async (method = 'POST') => {
  client.send(asForwardAuth({ method, target, token: 'token', host: 'orders-svc.localhost' }))
  await until(() => waiting !== undefined, 'the record to be written')
  if (waiting === undefined) throw new Error('nothing waits')
  return waiting
}
const kindsAndReasons = () => lines.map(({ kind, id, reason }) => [kind, id, reason])
const heard = async () => {
  const [answer] = (await client.answers()).answers
  return { status: answer?.status, assertion: answer?.headers['x-pagepass-assertion'] }
}

test('The record stands before the answer; a write waits until it survives a power cut', async () => {
  const { synced, written } = await asked()
  expect(synced).toBe(true)
  expect(kindsAndReasons()).toEqual([['decided', 'boot-1', undefined]])
  expect(client.text()).toBe('')
  written(undefined)
  expect(await heard()).toEqual({ status: 200, assertion: ['a.b.c'] })
})

test('A read waits for its record as well, and not for the disk', async () => {
  const { synced } = await asked('GET')
  expect(synced).toBe(false)
  expect(client.text()).toBe('')
})

test('What can’t be recorded is a no', async () => {
  const { written } = await asked()
  written(new Fault('audit/failed', 'the disk is full'))
  expect(await heard()).toEqual({ status: 503, assertion: undefined })
  expect(kindsAndReasons().at(-1)).toEqual(['refused', 'boot-1', 'audit-unavailable'])
})

test('A pass that is revoked while the record is written is a no', async () => {
  const { written } = await asked()
  view.apply({ kind: 'end', sequence: view.sequence() + 1, end: anEnd(grant), statement: 'end' })
  written(undefined)
  expect(await heard()).toEqual({ status: 403, assertion: undefined })
  expect(kindsAndReasons()).toEqual([
    ['decided', 'boot-1', undefined],
    ['refused', 'boot-1', 'grant-missing'],
  ])
})

test('A pass that runs out while the record is written is a no', async () => {
  const { written } = await asked()
  now = grant.until
  written(undefined)
  expect(await heard()).toEqual({ status: 403, assertion: undefined })
})

test('A pass that was extended meanwhile goes on', async () => {
  const { written } = await asked()
  give({ ...grant, version: 2, step: 'extended', until: noon + hour })
  written(undefined)
  expect((await heard()).status).toBe(200)
})

test('A newer version that nobody has proven lengthens nothing', async () => {
  const { written } = await asked()
  give({ ...grant, version: 2, step: 'extended', until: noon + hour })
  now = grant.until
  written(undefined)
  expect((await heard()).status).toBe(403)
})

test('Another pass does not stand in for the one that was recorded', async () => {
  give({ ...grant, id: 'dddd-eeee-ffff', until: noon + 5 * minute })
  const { written } = await asked()
  view.apply({ kind: 'end', sequence: view.sequence() + 1, end: anEnd(grant), statement: 'end' })
  written(undefined)
  expect((await heard()).status).toBe(403)
})

test('A pass whose signature does not hold is none', async () => {
  proven = false
  client.send(asForwardAuth({ method: 'POST', target, token: 'token', host: 'orders-svc.localhost' }))
  expect((await heard()).status).toBe(403)
  expect(kindsAndReasons()).toEqual([['refused', 'boot-1', 'grant-unverified']])
})
