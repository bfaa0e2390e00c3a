import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { readLockRecords, writeLockRecord } from '#access/adapters/lock-file.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { byOf } from '#access/domain/grant-transitions.ts'
import { type PersonName, people } from '#infra/sandbox/people.ts'
import { aNonce, glassBy, glassKey } from '../builders/break-glass.ts'
import { ask, problemOf } from '../builders/raw-client.ts'
import { startWhole, type Whole } from '../builders/whole.ts'
import { aLift, aLock, freshKeys, hour, minute, until } from '../builders.ts'

// Everything is down, and the proxy is started anew. Who was locked out before must not get in by a pass that was signed
// offline, and whoever was not has to.

let it: Whole
let folder: string
let record: string
const alice = glassKey()
const nowhere = 'redis://127.0.0.1:1'
beforeAll(async () => {
  it = await startWhole(
    inject('redisUrl'),
    201,
    (text) =>
      `${text}\nbreak_glass: { who: [payments], tier: admin, for: 20m, need: 1, keys: { alice: ${alice.x} } }\n`,
  )
  folder = join(it.folder, 'locks')
  const { slack } = people.ana
  expect(await it.bot.command(people.cho, `lock <@${slack.user}> because a stolen laptop`)).toContain(
    'Locked out',
  )
  await until(async () => (await recorded())?.statements.length === 1, 'it to be written down')
  record = await readFile(join(folder, 'first.jws'), 'utf8')
})
afterAll(() => it?.stop())
beforeEach(async () => {
  for (const file of await readdir(folder)) if (file !== 'first.jws') await rm(join(folder, file))
  await writeFile(join(folder, 'first.jws'), record)
})
const recorded = async () => (await readLockRecords(folder)).get(join(folder, 'first.jws'))

let count = 0
/** What each of these gets from a proxy that starts while Redis is away. */
const startedAnew = async (...names: readonly PersonName[]): Promise<unknown[]> => {
  const proxy = await it.startOne(`anew-${count++}`, nowhere, false)
  const answers: unknown[] = []
  for (const name of names) {
    const { issuer, subject } = it.person(name)
    const from = it.bot.clock.now()
    const pass = glassBy(
      {
        environment: 'sandbox',
        who: { issuer, subject },
        services: ['orders-svc'],
        tier: 'admin',
        from,
        until: from + 10 * minute,
        because: 'all is down',
        nonce: aNonce(),
      },
      alice,
    )
    const text = it
      .request(name, 'GET', '/admin/x')
      .replace('\r\n\r\n', `\r\nX-Pagepass-Break-Glass: ${pass}\r\n\r\n`)
    const answer = await ask(proxy.port, text)
    answers.push(answer.status === 200 ? 'let in' : problemOf(answer).reason)
  }
  await proxy.stop()
  return answers
}
const told = (what: string): boolean =>
  it.logged.splice(0).some((line) => JSON.stringify(line).includes(what))

test('Who was locked out when a proxy last knew stays so, and who was not gets in', async () => {
  expect(await startedAnew('ana', 'cho')).toEqual(['principal-locked', 'let in'])
  expect(told('who is locked out is known from disk')).toBe(true)
})

const signedElsewhere = async (): Promise<string> =>
  createStatements((await freshKeys()).workers).sign('lock', aLock({ who: byOf(it.person('cho')) }))
/** As if one person were enough, by the bot's own key. */
const liftedByOne = async (): Promise<string> => {
  const free = aLift(aLock({ who: byOf(it.person('ana')) }))
  const agreed = free.agreed.slice(0, 1)
  return createStatements(it.keys.bot).sign('lift', { ...free, agreed, at: it.bot.clock.now() + hour })
}
const known = async () => (await recorded()) ?? expect.fail('nothing is recorded')
const add = async (statement: string): Promise<void> => {
  const { asOf, statements } = await known()
  await writeLockRecord(join(folder, 'first.jws'), { asOf, statements: [...statements, statement] })
}

test.each<[string, () => Promise<unknown>, string]>([
  ['is not there', () => rm(join(folder, 'first.jws')), 'there is no record'],
  [
    'lacks its last line',
    () => writeFile(join(folder, 'first.jws'), record.split('\n')[0] ?? ''),
    'does not hold',
  ],
  [
    'lacks its first',
    () => writeFile(join(folder, 'first.jws'), record.split('\n')[1] ?? ''),
    'does not hold',
  ],
  ['has one more', () => appendFile(join(folder, 'first.jws'), 'e30.e30.e30\n'), 'does not hold'],
  ['is empty', () => writeFile(join(folder, 'first.jws'), ''), 'does not hold'],
  ['stands beside one that is none', () => writeFile(join(folder, 'other.jws'), 'x'), 'other.jws'],
  ['holds what somebody else signed', async () => add(await signedElsewhere()), 'does not hold'],
  ['lets somebody in by one person', async () => add(await liftedByOne()), 'does not hold'],
  [
    'is of the day before yesterday',
    async () => {
      const { asOf, statements } = await known()
      await writeLockRecord(join(folder, 'first.jws'), { asOf: asOf - 24 * hour - minute, statements })
    },
    'not of the last day',
  ],
  [
    'is of tomorrow',
    async () => {
      const { asOf, statements } = await known()
      await writeLockRecord(join(folder, 'first.jws'), { asOf: asOf + 24 * hour, statements })
    },
    'not of the last day',
  ],
])('A record that %s lets nobody in', async (_, spoil, why) => {
  await spoil()
  it.logged.splice(0)
  expect(await startedAnew('cho')).toEqual(['view-missing'])
  expect(told(why)).toBe(true)
})

test('A lock by a key that was revoked goes on, and a newer record of another process counts', async () => {
  const { asOf } = await known()
  const lock = await createStatements(it.keys.workers).sign('lock', aLock({ who: byOf(it.person('cho')) }))
  await writeLockRecord(join(folder, 'other.jws'), { asOf: asOf - 25 * hour, statements: [lock] })
  await appendFile(
    join(it.keyFolder, 'proxy', 'revoked.jws'),
    `${await createStatements(it.keys.security).sign('revocation', {
      environment: 'sandbox',
      kid: 'workers-end-1',
      because: 'stolen',
      at: it.bot.clock.now(),
    })}\n`,
  )
  expect(await startedAnew('ana', 'cho')).toEqual(['principal-locked', 'principal-locked'])
})
