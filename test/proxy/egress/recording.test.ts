import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Written } from '#access/adapters/audit-log.ts'
import { Fault } from '#access/domain/errors.ts'
import { createView } from '#access/domain/view.ts'
import { createEgressCalls } from '#proxy/egress/calls.ts'
import type { Identity } from '#proxy/identities.ts'
import { createProxyMetrics } from '#proxy/metrics.ts'
import { createRecords } from '#proxy/records.ts'
import { createAddressGuard } from '#proxy/upstream-address.ts'
import { until } from '../../builders/proxy.ts'
import { problemOf, type RawClient, rawClient } from '../../builders/raw-client.ts'
import { events, startUpstream, type Upstream } from '../../builders/upstream.ts'
import { provenOf, rulesOf, rulesText } from '../../builders.ts'

let upstream: Upstream
let rig: Awaited<ReturnType<typeof startRig>>
beforeAll(async () => {
  upstream = await startUpstream()
  rig = await startRig()
})
afterAll(async () => {
  await rig.stop()
  await upstream.close()
})
beforeEach(() => {
  upstream.forget()
  rig.startOver()
})

/** The calls alone, with a log that writes when it is told to. */
const startRig = async () => {
  const rules = rulesOf(`${rulesText}
workloads: { checkout: { subjects: [client-checkout] } }
egress:
  - { from: checkout, to: "${upstream.url}", allow: [GET /v1/**] }
`)
  const who = provenOf({ issuer: rules.identity.issuer, subject: 'client-checkout', groups: [] })
  const identity: Identity = { ...who, validUntil: Number.POSITIVE_INFINITY }
  const view = createView()
  let lines: Record<string, unknown>[] = []
  let held: Written[] = []
  let holds = false
  let verified = (): Promise<{ identity: Identity }> => Promise.resolve({ identity })
  let count = 0
  const clock = { now: () => Date.UTC(2026, 0, 15) }
  const metrics = createProxyMetrics(() => 0)
  const nextId = (): string => {
    count += 1
    return `call-${count}`
  }
  const records = createRecords({
    rules,
    view,
    clock,
    metrics,
    nextId,
    audit: {
      append: (line, _synced, written) => {
        lines.push(JSON.parse(line) as Record<string, unknown>)
        if (written !== undefined && holds) held.push(written)
        else written?.(undefined)
      },
    },
  })
  const calls = createEgressCalls({
    rules,
    view,
    clock,
    identities: { known: () => undefined, verify: () => verified() },
    records,
    metrics,
    nextId,
    alarm: () => undefined,
    guard: createAddressGuard(new Set()),
  })
  const server = createServer((request, response) => calls.handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    calls,
    view,
    who,
    lines: () => lines.map(({ kind, outcome, reason }) => [kind, outcome ?? reason]),
    /** Records are written once `write` is called. */
    hold: (): void => {
      holds = true
    },
    held: () => held.length,
    write: (fault?: Fault): void => {
      for (const written of held.splice(0)) written(fault)
    },
    verifyBy: (verify: typeof verified): void => {
      verified = verify
    },
    ask: (): RawClient => {
      const client = rawClient(port)
      const { host } = new URL(upstream.url)
      client.send(
        `GET ${upstream.url}/v1/x HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: Bearer t\r\n\r\n`,
      )
      return client
    },
    startOver: (): void => {
      lines = []
      held = []
      holds = false
      verified = () => Promise.resolve({ identity })
    },
    stop: async (): Promise<void> => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await calls.close()
    },
  }
}

const heldBack = async (): Promise<RawClient> => {
  rig.hold()
  const client = rig.ask()
  await until(() => rig.held() === 1, 'the record to be on its way')
  expect(upstream.bytes()).toBe('')
  return client
}

test('Nothing goes out before the record is written, and then it does', async () => {
  const client = await heldBack()
  rig.write()
  expect((await client.answers(1)).answers).toMatchObject([{ status: 200, body: 'hello /v1/x\n' }])
  expect(rig.lines()).toEqual([
    ['admitted', undefined],
    ['closed', 'done'],
  ])
  client.end()
})

test('What can’t be recorded does not go out', async () => {
  const client = await heldBack()
  rig.write(new Fault('audit/failed', 'the disk is full'))
  const [answer] = (await client.answers(1)).answers
  expect(answer?.status).toBe(503)
  expect(answer && problemOf(answer)['reason']).toBe('audit-unavailable')
  expect(rig.lines()).toEqual([
    ['admitted', undefined],
    ['refused', 'audit-unavailable'],
    ['closed', 'refused'],
  ])
  expect(upstream.bytes()).toBe('')
  client.end()
})

test('Who is locked while the record is written calls nobody', async () => {
  const client = await heldBack()
  rig.view.lock(rig.who.principal)
  try {
    expect(rig.calls.cutOf(rig.who.principal)).toBe(1)
    rig.write()
    await client.closed()
    expect(client.text()).toBe('')
    expect(rig.lines()).toEqual([
      ['admitted', undefined],
      ['closed', 'cut'],
    ])
    expect(upstream.connections()).toEqual([])
  } finally {
    rig.view.unlock(rig.who.principal)
  }
})

test('Who leaves while the record is written calls nobody', async () => {
  const client = await heldBack()
  const [caller] = [...rig.calls.callers()]
  const [exchange] = [...(caller?.open ?? [])]
  client.end()
  await until(() => exchange?.response.destroyed === true, 'the proxy to see it leave')
  rig.write()
  expect(rig.lines()).toEqual([
    ['admitted', undefined],
    ['closed', 'aborted'],
  ])
  expect(upstream.connections()).toEqual([])
  expect(caller?.open.size).toBe(0)
})

test('Who is locked while the token is verified is refused', async () => {
  const { promise, resolve } = Promise.withResolvers<{ identity: Identity }>()
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  rig.verifyBy(() => {
    ask()
    return promise
  })
  const client = rig.ask()
  await asked
  rig.view.lock(rig.who.principal)
  try {
    resolve({ identity: { ...rig.who, validUntil: Number.POSITIVE_INFINITY } })
    expect((await client.answers(1)).answers).toMatchObject([{ status: 403 }])
    expect(rig.lines()).toEqual([['refused', 'principal-locked']])
    expect(upstream.bytes()).toBe('')
  } finally {
    rig.view.unlock(rig.who.principal)
    client.end()
  }
})

test('Where nobody can be verified, nobody calls', async () => {
  rig.verifyBy(() => Promise.reject(new Error('broken')))
  const client = rig.ask()
  expect((await client.answers(1)).answers).toMatchObject([
    { status: 503, headers: { 'retry-after': ['1'] } },
  ])
  expect(rig.lines()).toEqual([['refused', 'identity-unavailable']])
  expect(upstream.bytes()).toBe('')
  client.end()
})

test('A lock that nobody told of is seen by the next sweep', async () => {
  upstream.answerWith(events)
  const client = rig.ask()
  await client.when(() => client.text().includes('data: more'), 'an event')
  rig.calls.sweep(0)
  const before = client.size()
  await client.when(() => client.size() > before, 'more events')
  rig.view.lock(rig.who.principal)
  try {
    rig.calls.sweep(0)
    await client.closed()
    expect(rig.lines()).toEqual([
      ['admitted', undefined],
      ['closed', 'cut'],
    ])
  } finally {
    rig.view.unlock(rig.who.principal)
  }
})
