import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { people } from '#infra/sandbox/people.ts'
import { ask, problemOf } from '../../builders/raw-client.ts'
import { events } from '../../builders/upstream.ts'
import { startWhole, type Whole } from '../../builders/whole.ts'
import { until } from '../../builders.ts'
import { pagepassHere } from '../../cli/run-cli.ts'

// A key was stolen. Whoever holds it signs what Pagepass believes, and may also write to Redis, hide what others write there,
// or put old things back. From the moment the key is revoked nothing it signed gives anything, and it is the same for what it
// will sign; no restart, no Redis and no other key brings that back.

let it: Whole
beforeAll(async () => {
  it = await startWhole(inject('redisUrl'), 150)
})
afterAll(() => it?.stop())

const revoke = (kid: string, ...more: readonly string[]) =>
  pagepassHere([
    'keys',
    'revoke',
    kid,
    '--because',
    'it was stolen',
    '--keys',
    join(it.keyFolder, 'security'),
    '--environment',
    'sandbox',
    '--bot',
    it.bot.address,
    ...more,
  ])
const status = async (...how: Parameters<Whole['request']>): Promise<[number, unknown]> => {
  const answer = await ask(it.proxy.port, it.request(...how))
  return [answer.status, answer.status === 200 ? '' : problemOf(answer).reason]
}
const who = (name: 'ana' | 'ben' | 'cho') => {
  const { issuer, subject, name: full } = it.person(name)
  return { issuer, subject, name: full }
}

describe('pagepass keys revoke', () => {
  test('only tells what it would end, with --dry-run', async () => {
    await it.bot.give({ who: who('ana') })
    await it.bot.give({
      who: who('cho'),
      state: 'pending',
      step: 'asked',
      approvers: { from: ['sre'], count: 1 },
    })
    await until(async () => (await status('ana'))[0] === 200, 'the pass to be there')
    const { code, out, err } = await revoke('bot-issue-1', '--dry-run')
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('Would revoke bot-issue-1 (issue). Nothing was changed.')
    expect(out).toContain('It would end 1 pass, 0 offers, 1 request.')
    expect(out).toContain('This bot signs with it')
    expect((await status('ana'))[0]).toBe(200)
    expect(await it.redis.exists(names.revocations)).toBe(0)
  })

  test('is refused for a key that nobody knows, for the key that revokes, and by other keys', async () => {
    const unknown = await revoke('bot-issue-9')
    expect([unknown.code, unknown.err]).toEqual([
      1,
      expect.stringContaining('nobody trusts a key "bot-issue-9"'),
    ])
    const itself = await revoke('security-revoke-1')
    expect([itself.code, itself.err]).toEqual([1, expect.stringContaining('not revoked by one')])
    const statements = createStatements(it.keys.security)
    const body = { environment: 'sandbox', because: 'x', at: it.bot.clock.now() }
    const send = async (text: string, path = '') =>
      (await fetch(`${it.bot.address}/api/v1/key-revocations${path}`, { method: 'POST', body: text })).status
    // The key that revokes must not be made the last one by whoever stole it, nor its question be an order.
    expect(await send(await statements.sign('revocation', { ...body, kid: 'security-revoke-1' }))).toBe(403)
    const asked = await statements.sign('revocation-question', {
      environment: 'sandbox',
      kid: 'bot-issue-1',
      at: it.bot.clock.now(),
    })
    expect(await send(asked)).toBe(403)
    expect(await send(asked, '/question')).toBe(200)
    const order = await createStatements(it.keys.responder).sign('lock-order', {
      environment: 'sandbox',
      subject: 'bot-issue-1',
      because: 'x',
      at: it.bot.clock.now(),
    })
    expect(await send(order)).toBe(403)
    expect(await send('x'.repeat(5_000))).toBe(413)
    expect((await status('ana'))[0]).toBe(200)
  })

  test('ends what the stolen issue key signed: refused, cut, ended, confirmed, and never believed again', async () => {
    await it.bot.give({ who: who('ana'), state: 'offered', step: 'offered' })
    // Somebody who was locked out, and let in again by a word of that key.
    await it.bot.command(people.ben, `lock ${at('cho')} because a test`)
    const lock = (await it.redis.hvals(names.locks)).length
    expect(lock).toBe(1)
    await it.bot.command(people.ben, `unlock ${at('cho')}`)
    await it.bot.command(people.ana, `unlock ${at('cho')}`)
    await until(async () => (await status('cho'))[1] === 'grant-missing', 'Cho to be let in again')

    it.orders.answerWith(events)
    const stream = it.client()
    stream.send(it.request('ana', 'GET', '/v1/events'))
    await stream.when(() => stream.text().includes('/v1/events'), 'the first event')
    const before = await it.redis.hgetall(names.live)
    const { code, out, err } = await revoke('bot-issue-1')
    expect(err).toBe('')
    expect(out).toContain('Revoked bot-issue-1 (issue).')
    expect(out).toContain('1 pass, 1 offer, 0 requests ended.')
    // A proxy on a machine that stands still is named as one that has not confirmed.
    expect(out).toMatch(/1 of 1 proxy confirmed, 1 stream cut\.|0 of 1 proxy confirmed/)
    expect(out).toContain('People it let in again, who are locked out again: 1.')
    expect(code).toBe(0)
    await stream.closed()
    expect(await status('ana')).toEqual([403, 'grant-missing'])
    await until(async () => (await status('cho'))[1] === 'principal-locked', 'Cho to be locked out again')
    expect(await it.redis.hlen(names.live)).toBe(0)

    // What it signed is put back by somebody who can write to Redis: it gives nothing, here and in a proxy that just started.
    for (const [id, statement] of Object.entries(before)) await it.redis.hset(names.live, id, statement)
    const late = await it.startOne('second', undefined, false)
    await until(() => late.keys.revoked.has('bot-issue-1'), 'the new proxy to know')
    expect((await ask(late.port, it.request('ana'))).status).not.toBe(200)
    await late.stop()
    await it.redis.del(names.live)
    expect(await readFile(join(it.folder, 'first.jws'), 'utf8')).toContain('.')

    // A bot that still holds it gives nothing with it.
    await expect(it.bot.give({ who: who('ana') })).rejects.toMatchObject({ code: 'keys/revoked' })
    expect(it.bot.waitingFor()).toEqual(['another key than "bot-issue-1", which was revoked'])
    // Redis forgets it: whoever knows writes it again.
    await it.redis.del(names.revocations)
    await until(async () => (await it.redis.hexists(names.revocations, 'bot-issue-1')) === 1, 'it to be back')
  })

  test('reaches a proxy by a file beside its keys, where Redis hides it', async () => {
    const out = join(it.folder, 'out.jws')
    const { code } = await pagepassHere(
      ['keys', 'revoke', 'workers-head-1', '--because', 'stolen', '--out', out].concat([
        '--keys',
        join(it.keyFolder, 'security'),
        '--environment',
        'sandbox',
      ]),
    )
    expect(code).toBe(0)
    expect(it.proxy.keys.revoked.has('workers-head-1')).toBe(false)
    await appendFile(join(it.keyFolder, 'proxy', 'revoked.jws'), `not one\n${await readFile(out, 'utf8')}`)
    await until(() => it.proxy.keys.revoked.has('workers-head-1'), 'the proxy to read it')
    await until(
      () => it.logged.some(({ msg }) => msg === 'a revocation of a key does not verify'),
      'the bad line to be told',
    )
  })
})

const at = (name: 'ana' | 'ben' | 'cho'): string => `<@${people[name].slack.user}|${name}>`
