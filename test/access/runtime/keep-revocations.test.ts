import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { createKeys, type Keys, loadKeys } from '#access/adapters/keys.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { keepRevocations, loadRevocations } from '#access/runtime/keep-revocations.ts'
import { aFolder, freshDatabase, keptAlarms, noon, until } from '../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let folder: string
let removeFolder: () => Promise<void>
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 190)
})
beforeEach(async () => {
  await database.redis.flushdb()
  const made = await aFolder()
  folder = made.folder
  removeFolder = made.remove
  await createKeys(join(folder, 'keys'), 'sandbox')
})
afterEach(() => removeFolder())
afterAll(() => database.close())

const keysOf = (holder: 'security' | 'proxy') => loadKeys(join(folder, 'keys', holder), holder, 'sandbox')
const revocationOf = async (kid: string): Promise<string> =>
  createStatements(await keysOf('security')).sign('revocation', {
    environment: 'sandbox',
    kid,
    because: 'stolen',
    at: noon,
  })
/** The keys after the one that revokes was replaced. */
const withoutRevoker = async (): Promise<Keys> => {
  const keys = await keysOf('proxy')
  return { ...keys, trusted: new Map([...keys.trusted].filter(([, { role }]) => role !== 'revoke')) }
}
const files = () => ({ given: join(folder, 'given.jws'), kept: join(folder, 'kept.jws') })

/** Whoever can write to Redis moves it to where another's would stand. */
test('A revocation is carried out wherever in Redis it stands', async () => {
  const keys = await keysOf('proxy')
  const { alarm, all } = keptAlarms()
  const revoked: string[] = []
  await database.redis.hset(names.revocations, 'workers-end-1', `1 ${await revocationOf('bot-issue-1')}`)
  const revocations = keepRevocations(
    { keys, redis: database.redis, files: files(), writes: false, alarm },
    (kid) => void revoked.push(kid),
  )
  await until(() => revoked.length > 0 && all.length > 0, 'it to be carried out')
  await revocations.stop()
  expect(revoked).toEqual(['bot-issue-1'])
  expect([...keys.revoked]).toEqual(['bot-issue-1'])
})

test('What a process was told stays revoked when the key that revoked it is no more', async () => {
  const statement = await revocationOf('bot-issue-1')
  await appendFile(files().kept, `${statement}\nnot a revocation\n`)
  const keys = await withoutRevoker()
  await loadRevocations(keys, files())
  expect([...keys.revoked]).toEqual(['bot-issue-1'])
})

test('What people put beside the keys has to verify', async () => {
  await appendFile(files().given, `${await revocationOf('bot-issue-1')}\n`)
  const keys = await withoutRevoker()
  await expect(loadRevocations(keys, files())).rejects.toMatchObject({ code: 'statement/invalid' })
})
