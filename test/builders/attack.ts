import { expect } from 'vitest'
import { claimsOf, decidedBy, disagreements, identityFaults, identityMisread } from './agreement.ts'
import type { ProxyUnderTest } from './proxy.ts'
import { type Answer, ask, talk } from './raw-client.ts'
import type { Received } from './upstream.ts'

/** The next good request, on a connection of its own, works as ever, and nothing made a fault. */
export const expectGoodRequest = async (proxy: ProxyUnderTest): Promise<void> => {
  const answer = await ask(proxy.port, await proxy.request('ana', 'GET', '/v1/good'))
  expect(answer).toMatchObject({ status: 200, body: 'hello /v1/good\n' })
  expect(proxy.faults).toEqual([])
}

/**
 * Not one byte of this reaches the service; one record tells of it; the proxy lives and serves the next request.
 * `reason` is left out where Node itself could not read the request.
 */
export const expectRefused = async (
  proxy: ProxyUnderTest,
  bytes: string | Buffer,
  { status, reason = 'headers-ambiguous' }: { readonly status: number; readonly reason?: string },
): Promise<Answer> => {
  await proxy.startOver()
  const { answers, text } = await talk(proxy.port, bytes, {
    methods: [bytes.toString('latin1').split(' ')[0] ?? ''],
  })
  const [answer] = answers
  if (answer === undefined) throw new Error(`no answer, but ${JSON.stringify(text)}`)
  const [record, ...more] = await proxy.records(1)
  expect({ status: answer.status, record: record?.['reason'], recorded: record?.['status'] }).toEqual({
    status,
    record: reason,
    recorded: status,
  })
  expect(more).toEqual([])
  expect(proxy.orders.bytes() + proxy.payments.bytes()).toBe('')
  await expectGoodRequest(proxy)
  expect((await proxy.records(3)).map(({ kind }) => kind)).toEqual(['refused', 'admitted', 'closed'])
  return answer
}

/**
 * Exactly one request reaches the service, and it is ours: our identity headers once each, under one admission, and read
 * by the server as it was decided.
 */
export const expectOneRequest = async (proxy: ProxyUnderTest, bytes: string | Buffer): Promise<Received> => {
  await proxy.startOver()
  await talk(proxy.port, bytes)
  const [record, ...more] = await proxy.records(1, ['admitted', 'refused'])
  expect(record, JSON.stringify(record)).toMatchObject({ kind: 'admitted' })
  expect(more).toEqual([])
  const [seen, ...others] = proxy.orders.received()
  expect(others).toEqual([])
  if (seen === undefined) throw new Error('nothing reached the service')
  expectOurIdentity(seen)
  expect([...identityMisread(seen), ...disagreements(seen, decidedBy(record))]).toEqual([])
  await proxy.records(2)
  await expectGoodRequest(proxy)
  return seen
}

/** Each identity header once, by any spelling that a server might take for it; and none that we did not set. */
export const expectOurIdentity = (seen: Pick<Received, 'rawHeaders'>): void => {
  const faults = identityFaults(seen, {
    forwarded: (value) => value.startsWith('for=127.0.0.1;'),
    'x-forwarded-for': (value) => value === '127.0.0.1',
    'x-pagepass-assertion': (value) => claimsOf(value)['aud'] === 'orders-svc',
  })
  expect(faults).toEqual([])
}
