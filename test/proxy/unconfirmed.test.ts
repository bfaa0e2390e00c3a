import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { confirmedForMs } from '#access/domain/confirmation.ts'
import type { Grant } from '#access/domain/grant.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import type { PersonName } from '#infra/sandbox/people.ts'
import { type ProxyUnderTest, startProxyForTest, until } from '../builders/proxy.ts'
import { ask, problemOf } from '../builders/raw-client.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 161)
})
afterAll(() => proxy.stop())

const incident = { id: 'Q1', number: 1, title: 'Stuck orders' }
const send = async (method: string, who: PersonName = 'cho') =>
  ask(proxy.port, await proxy.request(who, method))
const allows = async (method: string): Promise<boolean> => (await send(method)).status === 200
/** Taken by hand, so that only what is attested says that PagerDuty confirms it. */
const takenPass = (): Promise<Grant> =>
  proxy.give('cho', {
    step: 'taken',
    by: { issuer: proxy.idp.issuer, subject: 'idp-cho', name: 'Cho Park' },
    why: { kind: 'page', rule: 'paging', incident },
  })

describe('The pass of a page whose incident PagerDuty does not confirm', () => {
  test('counts for what it is where its page came just now, and was taken before anything was attested', async () => {
    const by = { issuer: proxy.idp.issuer, subject: 'idp-ben', name: 'Ben Okafor' }
    const why = { kind: 'page', rule: 'paging', incident } as const
    const offered = { state: 'offered', step: 'offered', why, at: proxy.now() } as const
    const grant = await proxy.give('ben', offered)
    await proxy.renew(grant, nextVersion(grant, 'taken', {}, proxy.now(), by))
    expect((await send('POST', 'ben')).status).toBe(200)
  })

  test('counts as the lowest tier, until it does, and what is open beyond that is cut when it does no more', async () => {
    await takenPass()
    expect(await allows('GET')).toBe(true)
    expect(problemOf(await send('POST'))).toMatchObject({ reason: 'page-unconfirmed', status: 403 })

    // Neither what nobody signed nor what is of the future confirms anything.
    await proxy.redis.set('{pagepass}:incidents-confirmed', 'e30.e30.e30')
    await until(() => said('does not verify'), 'the alarm')
    await proxy.confirm({ at: Date.now() + confirmedForMs, except: [] })
    await until(() => said('signed in the future'), 'the alarm')
    expect(await allows('POST')).toBe(false)

    await proxy.confirm({ at: Date.now(), except: [] })
    await until(() => allows('POST'), 'the pass to count for what it is')
    const line = await proxy.webSocket('cho')
    await line.opened()

    // An older statement, as whoever can write to Redis may put it back, changes nothing.
    await proxy.confirm({ at: Date.now() - confirmedForMs, except: [] })
    await proxy.confirm({ at: Date.now(), except: [{ incident: 'Q2', at: 0 }] })
    await until(() => allows('POST'), 'another incident to be no matter')
    expect(line.isOpen()).toBe(true)

    await proxy.confirm({ at: Date.now(), except: [{ incident: 'Q1', at: Date.now() - confirmedForMs }] })
    expect(await line.closed()).toBe(1008)
    await until(async () => !(await allows('POST')), 'the pass to narrow')
    expect(await allows('GET')).toBe(true)
    expect(proxy.faults).toEqual([])
  }, 120_000)
})

const said = (what: string): boolean => proxy.logged.some(({ msg }) => String(msg).includes(what))
