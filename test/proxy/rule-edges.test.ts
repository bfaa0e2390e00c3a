import { expect, inject, test } from 'vitest'
import { nextEdgeOf } from '#access/domain/rule-set.ts'
import { domain, type ProxyUnderTest, startProxyForTest } from '../builders/proxy.ts'
import { ask, problemOf, type RawClient } from '../builders/raw-client.ts'
import { events } from '../builders/upstream.ts'
import { hour, noon, rulesOf, rulesText } from '../builders.ts'

const database = 61

const at = (ms: number): string => new Date(ms).toISOString().replace('.000', '')

const asked = (token: string, target: string, method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\nHost: orders-svc.${domain}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`

/** A stream of events that goes on until it is cut. */
const openStream = async (it: ProxyUnderTest, token: string): Promise<RawClient> => {
  it.orders.answerWith((request, response, received) =>
    request.url === '/v1/events' ? events(request, response, received) : response.end('answered'),
  )
  const client = it.client()
  client.send(asked(token, '/v1/events'))
  await client.when(() => client.text().includes('data: /v1/events'), 'the first event')
  return client
}

const expectOpen = async (stream: RawClient): Promise<void> => {
  const before = stream.size()
  await stream.when(() => stream.size() > before, 'more events')
}

const openLine = async (it: ProxyUnderTest, name: 'ana' | 'cho') => {
  const line = await it.webSocket(name)
  await line.opened()
  return line
}

/** From the start of the proxy to the edge: where that was too little for all to be open by then, the next try has more. */
let untilEdgeMs = 5_000

test('What a freeze or the end of a set of people no longer admits is cut then, and nothing else', {
  retry: 2,
  timeout: 120_000,
}, async () => {
  // The clock goes as it is: one that was set ahead would leave a stale view, by which all is looked at again anyway.
  const edge = at(Math.ceil(Date.now() / 1_000) * 1_000 + untilEdgeMs)
  untilEdgeMs *= 2
  const mend = (text: string): string =>
    `${text.replace('  auditors:', `  temps: { groups: [temps], until: ${edge} }\n  auditors:`)}
  - { from: temps, to: orders-svc, tier: observe }
freeze:
  - { services: [orders-svc], tiers: [operate, admin], from: ${edge}, until: 2099-01-01, because: release }
`
  const proxy = await startProxyForTest(inject('redisUrl'), database, { mend })
  try {
    await proxy.give('ana')
    const incident = { id: 'Q1', number: 1, title: 'Stuck orders' }
    await proxy.give('cho', { why: { kind: 'page', rule: 'paging', incident } })
    const temp = await proxy.signed({ sub: 'idp-tom', groups: ['temps'] })
    const reading = await openStream(proxy, await proxy.token('ana'))
    const temps = await openStream(proxy, temp)
    const operating = await openLine(proxy, 'ana')
    const paged = await openLine(proxy, 'cho')

    expect(await operating.closed()).toBe(1008)
    await temps.closed()
    await expectOpen(reading)
    expect(paged.isOpen()).toBe(true)
    const frozen = await ask(proxy.port, asked(await proxy.token('ana'), '/v1/orders', 'POST'))
    expect(problemOf(frozen)).toMatchObject({ reason: 'frozen' })
    expect((await ask(proxy.port, asked(temp, '/v1/orders'))).status).toBe(403)
    expect(await proxy.records(2, ['closed'])).toMatchObject([{ outcome: 'cut' }, { outcome: 'cut' }])
    expect(proxy.faults).toEqual([])
  } finally {
    await proxy.stop()
  }
})

const shortSessions = (text: string): string =>
  text.replace('audience: pagepass }', 'audience: pagepass, session_max: 1m }')

test('What a token opened that does not say when its holder signed in ends session_max later', async () => {
  const proxy = await startProxyForTest(inject('redisUrl'), database, { mend: shortSessions })
  try {
    await proxy.give('ana')
    const token = await proxy.token('ana')
    const stream = await openStream(proxy, token)
    const line = await openLine(proxy, 'ana')
    proxy.ahead(40_000)
    const later = await openStream(proxy, token)
    await expectOpen(stream)
    proxy.ahead(21_000)
    expect(await line.closed()).toBe(1008)
    await stream.closed()
    await expectOpen(later)
    expect(await proxy.records(2, ['closed'])).toMatchObject([{ outcome: 'cut' }, { outcome: 'cut' }])
    expect((await ask(proxy.port, asked(token, '/v1/orders'))).status).toBe(200)
    expect(proxy.faults).toEqual([])
  } finally {
    await proxy.stop()
  }
})

test('A stream ends session_max after the sign-in; an older one lasts as long as a request, and refuses none', async () => {
  const proxy = await startProxyForTest(inject('redisUrl'), database, { mend: shortSessions })
  try {
    await proxy.give('ana')
    const signedIn = (secondsAgo: number): Promise<string> =>
      proxy.signed({ auth_time: Math.floor(proxy.now() / 1_000) - secondsAgo })
    const fresh = await openStream(proxy, await signedIn(0))
    const ahead = await openStream(proxy, await signedIn(-3_600))
    const old = await openStream(proxy, await signedIn(40))
    const tooOld = await signedIn(3_600)
    const beyond = await openStream(proxy, tooOld)

    proxy.ahead(21_000)
    await old.closed()
    await Promise.all([fresh, ahead, beyond].map(expectOpen))
    proxy.ahead(10_000)
    await beyond.closed()
    await Promise.all([fresh, ahead].map(expectOpen))
    proxy.ahead(30_000)
    await Promise.all([fresh.closed(), ahead.closed()])
    expect(await proxy.records(4, ['closed'])).toMatchObject(Array(4).fill({ outcome: 'cut' }))
    expect((await ask(proxy.port, asked(tooOld, '/v1/orders'))).status).toBe(200)
    expect(proxy.faults).toEqual([])
  } finally {
    await proxy.stop()
  }
})

test('The next edge of the rules is the first beginning of a freeze or end of a set of people to come', () => {
  const later = noon + hour
  const rules = rulesOf(
    `${rulesText.replace('  payments:', `  guests: { groups: [guests], until: ${at(later)} }\n  payments:`)}
freeze:
  - { tiers: [operate, admin], from: ${at(noon)}, until: ${at(noon + 9 * hour)}, because: sales }
  - { tiers: [operate, admin], from: ${at(later + hour)}, until: 2099-01-01, because: audit }
`,
  )
  expect([0, noon - 1, noon, later - 1, later, later + hour].map((now) => nextEdgeOf(rules, now))).toEqual([
    noon,
    noon,
    later,
    later,
    later + hour,
    Number.POSITIVE_INFINITY,
  ])
  expect(nextEdgeOf(rulesOf(), 0)).toBe(Number.POSITIVE_INFINITY)
})
