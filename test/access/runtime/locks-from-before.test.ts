import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { locksInAudit } from '#access/adapters/locks-in-audit.ts'
import { readStoredLock } from '#access/adapters/redis/lock-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements, kidOf, readUnverifiedLock } from '#access/adapters/statements.ts'
import { auditLine } from '#access/domain/audit-record.ts'
import type { Lock } from '#access/domain/lock.ts'
import { principalKey } from '#access/domain/principal.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import { locksFromBefore } from '#access/runtime/locks-from-before.ts'
import {
  aFolder,
  aLift,
  aLock,
  freshDatabase,
  freshKeys,
  frozenClock,
  keptAlarms,
  noon,
  nthId,
  until,
} from '../../builders.ts'

/*
 * Redis was restored or failed over to what it was before somebody was locked out, and every bot and worker is new: the
 * workers' audit knows.
 */
let database: Awaited<ReturnType<typeof freshDatabase>>
let keys: Awaited<ReturnType<typeof freshKeys>>
let file: string
const closing: (() => unknown)[] = []
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 206)
})
beforeEach(async () => {
  keys = await freshKeys()
  await database.redis.flushdb()
  const { folder, remove } = await aFolder()
  closing.push(remove)
  file = join(folder, 'workers.jsonl')
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => database.close())

const lock = aLock()
const who = principalKey(lock.who)
const agreed = aLift(lock, {}, ['idp-ben'])
const lifted = aLift(agreed)

const signed = (kind: 'lock' | 'lift', of: Lock, by = keys) => createStatements(by.bot).sign(kind, of)
const record = async (...steps: readonly (readonly [string, string])[]): Promise<void> =>
  writeFile(
    file,
    steps
      .map(([step, statement]) =>
        auditLine({
          kind: 'step',
          at: noon,
          event: '1-0',
          step,
          grant: lock.id,
          statement,
          rules: 'hash',
        }),
      )
      .join(''),
  )
/** Nobody believes any more what this key signed. */
const revoke = (statement: string): void => {
  for (const part of ['bot', 'workers'] as const) keys[part].revoked.add(kidOf(statement))
}

const startWorkers = async () => {
  const { all: alarms, alarm } = keptAlarms()
  const kept = await keepGrants({
    ...{ prompt: database.connect(), patient: database.connect(), keys: keys.workers },
    ...{ clock: frozenClock(), instance: 'workers-a', alarm },
    locksKnown: () => locksInAudit(file),
  })
  closing.push(kept.stop)
  await until(() => kept.waitingFor().length === 0, 'they are in step')
  return { ...kept, alarms }
}
const stored = async (): Promise<Lock | undefined> => {
  const statement = readStoredLock((await database.redis.hget(names.locks, who)) ?? '')
  return statement === undefined ? undefined : readUnverifiedLock(statement)
}

describe('A lock that Redis has lost', () => {
  test('is written again by workers that are new, from their audit', async () => {
    await record(['lock', await signed('lock', lock)])
    const { locks, alarms } = await startWorkers()
    expect(locks.isLocked(who)).toBe(true)
    await until(async () => (await stored())?.state === 'locked', 'the lock')
    expect(alarms).toContain('Redis lost who is locked out')
    await until(() => alarms.includes('a lost lock was written again'), 'it to be told')
  })

  test('is written again without who had agreed to lift it', async () => {
    await record(['lock', await signed('lock', lock)], ['lift', await signed('lift', agreed)])
    await startWorkers()
    await until(async () => (await stored())?.state === 'locked', 'the lock')
    expect(await stored()).toMatchObject({ id: lock.id, agreed: [] })
  })

  test('and was signed by a key that was revoked since is signed anew', async () => {
    const statement = await signed('lock', lock)
    await record(['lock', statement])
    revoke(statement)
    const { locks } = await startWorkers()
    expect(locks.isLocked(who)).toBe(true)
    await until(async () => (await stored())?.state === 'locked', 'the lock')
    await until(() => locks.of(who)?.state === 'locked', 'it to be proven')
  })

  test('is not made of what was lifted since, and what was lifted is left as Redis has it', async () => {
    await record(['lock', await signed('lock', lock)], ['lift', await signed('lift', lifted)])
    const { locks, alarms } = await startWorkers()
    expect([locks.isLocked(who), await stored(), alarms]).toEqual([false, undefined, []])
  })
})

describe('What the audit says of locks', () => {
  const known = async (): Promise<readonly [string, boolean][]> => {
    const all = await locksFromBefore(createStatements(keys.workers), locksInAudit(file), 2)
    return all.map(({ lock: one }) => [one.id, one.state === 'locked'])
  }
  const others = () => freshKeys()

  test('is the newest of each, whatever else stands there and in whatever order', async () => {
    const again = aLock({ id: nthId(7), version: 4, at: lifted.at + 5 })
    await record(
      ['lock', await signed('lock', again)],
      ['lock', await signed('lock', lock)],
      ['lift', await signed('lift', lifted)],
      ['end', 'an end'],
      ['lock', 'nonsense'],
    )
    expect(await known()).toEqual([[again.id, true]])
  })

  test.each<[string, () => Promise<readonly [string, string]>]>([
    ['a forged lift', async () => ['lift', await signed('lift', lifted, await others())]],
    [
      'a lift that too few agreed to',
      async () => ['lift', await signed('lift', { ...agreed, state: 'free' })],
    ],
    ['a lift told as a lock', async () => ['lock', await signed('lift', lifted, await others())]],
  ])('lets nobody off by %s', async (_, line) => {
    await record(['lock', await signed('lock', lock)], await line())
    expect(await known()).toEqual([[lock.id, true]])
  })

  test('locks nobody out by a forged lock', async () => {
    await record(['lock', await signed('lock', lock, await others())])
    expect(await known()).toEqual([])
  })

  test('lets nobody off by a key that was revoked, neither by its lift nor by its lock', async () => {
    const [locking, lifting] = [await signed('lock', lock), await signed('lift', lifted)]
    await record(['lock', locking], ['lift', lifting])
    revoke(lifting)
    expect(await known()).toEqual([[lock.id, true]])
    revoke(locking)
    expect(await known()).toEqual([[lock.id, true]])
  })

  test('is nothing where there is no log yet', async () => {
    expect(await known()).toEqual([])
  })
})
