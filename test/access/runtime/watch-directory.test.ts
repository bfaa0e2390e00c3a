import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createStatements } from '#access/adapters/statements.ts'
import type { Person } from '#access/domain/principal.ts'
import { signDirectory } from '#access/runtime/directory.ts'
import { watchDirectory } from '#access/runtime/watch-directory.ts'
import { aFolder, aPerson, freshKeys, freshStatements, noon, until } from '../../builders.ts'

type Statements = Awaited<ReturnType<typeof freshStatements>>
let statements: Statements
let others: Statements
let place: Awaited<ReturnType<typeof aFolder>>
const stops: (() => Promise<void>)[] = []
beforeAll(async () => {
  ;[statements, others, place] = await Promise.all([freshStatements(), freshStatements(), aFolder()])
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
afterAll(() => place.remove())

const ana = aPerson()
const ben: Person = { issuer: ana.issuer, subject: 'idp-ben', name: 'Ben', groups: [], active: true }

const write = async (people: readonly Person[], at: number, by = statements): Promise<void> => {
  const signed = await signDirectory(JSON.parse(JSON.stringify(people)), by.offline, 'sandbox', at)
  await put(signed)
}
const put = async (text: string): Promise<void> => {
  await writeFile(join(place.folder, 'next'), text)
  await rename(join(place.folder, 'next'), join(place.folder, 'directory.jws'))
}
const watching = async (people: readonly Person[], by = statements.bot, signer = statements) => {
  await write(people, noon, signer)
  const told: string[] = []
  const alarm = (what: string, { why = '' }: Record<string, unknown>) => void told.push(`${what}: ${why}`)
  const it = await watchDirectory(join(place.folder, 'directory.jws'), by, alarm, 10)
  stops.push(it.stop)
  const gone = () =>
    it
      .deactivated()
      .people.map(({ name }) => name)
      .sort()
  return { ...it, told, gone }
}

test('A newer directory counts from then on, for whoever looks anybody up', async () => {
  const { directory, deactivated, facts, gone } = await watching([ana, ben])
  const before = deactivated()
  await write([{ ...ana, active: false, groups: ['others'] }, ben], noon + 1)
  await until(() => deactivated() !== before, 'it to be read')
  expect(directory.bySlack('T0SANDBOX', 'U0ANA00001')).toMatchObject({ active: false, groups: ['others'] })
  expect(directory.activeWhere(() => true).map(({ name }) => name)).toEqual(['Ben'])
  expect([gone(), facts()]).toEqual([[ana.name], { directory: { as_of: '2026-01-15T12:00:00.001Z' } }])
})

test('Who is not in it any more is not active, and goes on being none in those after it', async () => {
  const { directory, gone } = await watching([ana, ben])
  await write([ben], noon + 1)
  await until(() => gone().length === 1, 'it to be read')
  expect(directory.bySlack('T0SANDBOX', 'U0ANA00001')).toBeUndefined()
  await write([{ ...ben, active: false }], noon + 2)
  await until(() => gone().length === 2, 'it to be read')
  await write([ana, ben], noon + 3)
  await until(() => gone().length === 0, 'it to be read')
})

test.each([
  ['is older', () => write([ana, ben], noon - 1), 'it is not newer'],
  ['was signed by somebody else', () => write([ana], noon + 1, others), 'does not hold'],
  ['is half written', () => put('eyJhbGciOi'), 'does not hold'],
  ['is empty', () => put(''), 'does not hold'],
])('One that %s changes nothing, and is told once', async (_, spoil, why) => {
  const { directory, told, gone } = await watching([{ ...ana, active: false }, ben])
  await spoil()
  await until(() => told.length > 0, 'the alarm')
  expect(told[0]).toContain(why)
  expect([gone(), directory.activeWhere(() => true).map(({ name }) => name)]).toEqual([[ana.name], ['Ben']])
  await write([ana, ben], noon + 5)
  await until(() => gone().length === 0, 'the next good one to be read')
  expect(told).toHaveLength(2)
})

test('Who is gone from it is not active, also where the one before is by a key that was revoked', async () => {
  const [first, second] = await Promise.all([freshKeys(), freshKeys()])
  const kid = 'offline-directory-2'
  const [own, published] = [
    second.offline.own.get('directory'),
    second.bot.trusted.get('offline-directory-1'),
  ]
  if (own === undefined || published === undefined) return expect.fail('no such key')
  const trusted = new Map([...first.bot.trusted, [kid, { ...published, kid }]])
  const next = createStatements({ ...second.offline, own: new Map([['directory', { ...own, kid }]]) })
  const before = { ...statements, offline: createStatements(first.offline) }
  const { directory, gone } = await watching([ana, ben], createStatements({ ...first.bot, trusted }), before)
  first.bot.revoked.add('offline-directory-1')
  expect(directory.activeWhere(() => true)).toEqual([])
  await write([ben], noon + 1, { ...statements, offline: next })
  await until(() => directory.activeWhere(() => true).length === 1, 'it to be read')
  expect(gone()).toEqual([ana.name])
})
