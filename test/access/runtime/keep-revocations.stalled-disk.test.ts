import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createKeys, loadKeys } from '#access/adapters/keys.ts'
import { createRevocationStore } from '#access/adapters/redis/revocation-store.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { keepRevocations, loadRevocations } from '#access/runtime/keep-revocations.ts'
import { aFolder, freshDatabase, keptAlarms, noon, until } from '../../builders.ts'

/** What the disk still owes: each is an append that has not been done. */
const owed: (() => void)[] = []
const { appendFile } = fs

let database: Awaited<ReturnType<typeof freshDatabase>>
let place: Awaited<ReturnType<typeof aFolder>>
beforeAll(async () => {
  const stalled = (...args: Parameters<typeof appendFile>): Promise<void> =>
    new Promise((resolve, reject) => void owed.push(() => appendFile(...args).then(resolve, reject)))
  Object.assign(fs, { appendFile: stalled })
  syncBuiltinESMExports()
  ;[database, place] = await Promise.all([freshDatabase(inject('redisUrl'), 202), aFolder()])
  await createKeys(place.folder, 'sandbox')
})
afterAll(async () => {
  Object.assign(fs, { appendFile })
  syncBuiltinESMExports()
  await database.close()
  await place.remove()
})
const keysOf = (holder: 'security' | 'proxy' | 'bot') =>
  loadKeys(join(place.folder, holder), holder, 'sandbox')
const revocationOf = async (kid: string): Promise<string> =>
  createStatements(await keysOf('security')).sign('revocation', {
    environment: 'sandbox',
    kid,
    because: 'stolen',
    at: noon,
  })

test.each<['Redis' | 'an order', 'proxy' | 'bot']>([
  ['Redis', 'proxy'],
  ['an order', 'bot'],
])('A disk that does not come back keeps nobody in whose key was revoked by %s', async (from, holder) => {
  await database.redis.flushdb()
  const keys = await keysOf(holder)
  const files = { given: join(place.folder, 'given.jws'), kept: join(place.folder, `${holder}.jws`) }
  const cut: string[] = []
  const known: string[] = []
  const revocations = keepRevocations(
    { keys, redis: database.redis, files, writes: holder === 'bot', alarm: keptAlarms().alarm },
    (kid, _, kept) => {
      cut.push(kid)
      void kept.then(() => known.push(kid))
    },
  )
  const statement = await revocationOf('bot-issue-1')
  const answer =
    from === 'Redis'
      ? createRevocationStore(database.redis).put('bot-issue-1', statement)
      : revocations.order(statement).then(() => known.push('answered'))
  await until(() => cut.includes('bot-issue-1') && owed.length === 1, 'the key to count no more')
  expect(known).toEqual([])
  for (const back of owed.splice(0)) back()
  await answer
  await until(() => known.includes('bot-issue-1'), 'it to be kept')
  await revocations.stop()
  const next = await keysOf(holder)
  await loadRevocations(next, files)
  expect([...next.revoked]).toEqual(['bot-issue-1'])
})
