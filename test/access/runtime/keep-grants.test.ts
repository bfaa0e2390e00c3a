import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { endsInAudit } from '#access/adapters/ends-in-audit.ts'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import { createTombstones } from '#access/adapters/redis/tombstones.ts'
import { auditLine } from '#access/domain/audit-record.ts'
import { keepGrants } from '#access/runtime/keep-grants.ts'
import {
  aFolder,
  aGrant,
  anEnd,
  freshDatabase,
  freshKeys,
  frozenClock,
  keptAlarms,
  noon,
  nthId,
  statementsWith,
  until,
} from '../../builders.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let keys: Awaited<ReturnType<typeof freshKeys>>
let others: Awaited<ReturnType<typeof freshKeys>>
const closing: (() => unknown)[] = []
beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 115)
  ;[keys, others] = await Promise.all([freshKeys(), freshKeys()])
})
beforeEach(async () => {
  await database.redis.flushdb()
  await prepareStore(database.redis, 'epoch')
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => database.close())

const first = aGrant({ id: nthId(1) })
const second = aGrant({ id: nthId(2) })
/** Redis as it was before the last writes: these grants live, and it knows nothing of their ends. */
const giveBoth = async () => {
  const store = createGrantStore(database.redis, statementsWith(keys).bot, frozenClock())
  await store.give(first)
  await store.give(second)
}
const endOf = (grant = first, by = keys) => statementsWith(by).bot.sign('end', anEnd(grant))

/** Workers that know nothing of before, but what `ends` say. */
const startWorkers = async (ends: readonly string[] = []) => {
  const { all: alarms, alarm } = keptAlarms()
  const kept = await keepGrants({
    ...{ prompt: database.connect(), patient: database.connect(), keys: keys.workers },
    ...{ clock: frozenClock(), instance: 'workers-a', alarm },
    async *endsKnown() {
      yield* ends
    },
  })
  closing.push(kept.stop)
  await until(() => kept.waitingFor().length === 0, 'they are in step')
  return { ...kept, alarms }
}
const live = async (): Promise<string[]> => (await database.redis.hkeys(names.live)).sort()

describe('An end that Redis has lost', () => {
  test('is written again when somebody proves it', async () => {
    await giveBoth()
    const { endAgain, alarms } = await startWorkers()
    await endAgain(await endOf())
    await until(async () => (await live()).length === 1, 'it has ended')
    expect(await live()).toEqual([second.id])
    expect(await database.redis.hexists(names.ended, first.id)).toBe(1)
    await until(() => alarms.length > 0, 'it is told')
    expect(alarms).toEqual(['a lost end was written again'])
  })

  test('is written again by whoever kept it from before, and nothing attests the grant meanwhile', async () => {
    await giveBoth()
    const { statements } = await startWorkers([await endOf()])
    await until(async () => (await live()).length === 1, 'it has ended')
    for (const [, [, head = '']] of await database.redis.xrange(names.heads, '-', '+'))
      expect((await statements.verify('head', head)).count).toBe(1)
  })

  test('changes nothing when it is forged, of another environment, or of no grant that lives', async () => {
    await giveBoth()
    const elsewhere = statementsWith(await freshKeys('elsewhere')).bot
    const foreign = await elsewhere.sign('end', anEnd({ ...first, environment: 'elsewhere' }))
    const grant = (await database.redis.hget(names.live, first.id)) ?? ''
    const forged = [await endOf(first, others), foreign, grant, 'nonsense', '']
    const { endAgain, alarms } = await startWorkers(forged)
    for (const statement of forged) await endAgain(statement)
    await endAgain(await endOf(aGrant({ id: nthId(3) })))
    // What is written again after them would have been written after what they wrote.
    await endAgain(await endOf(second))
    await until(async () => (await live()).length === 1, 'the genuine one has ended')
    expect(await live()).toEqual([first.id])
    const refused = 'an end that was to be written again does not verify'
    expect(alarms.filter((what) => what === refused)).toHaveLength(forged.length)
  })
})

describe('What a proxy remembers', () => {
  test('is told once a second at most, and the newest of it is kept', () => {
    let now = noon
    const told: string[] = []
    const tombstones = createTombstones(
      (statement) => void told.push(statement),
      () => now,
    )
    for (let nth = 0; nth <= 20_000; nth += 1)
      tombstones.keep(anEnd(aGrant({ id: nthId(nth) })), `end ${nth}`)
    tombstones.returned(nthId(20_000))
    tombstones.returned(nthId(20_000))
    tombstones.returned(nthId(0))
    tombstones.returned(nthId(30_000))
    expect(told).toEqual(['end 20000'])
    now += 1_000
    tombstones.returned(nthId(20_000))
    tombstones.returned(nthId(1))
    expect(told).toEqual(['end 20000', 'end 20000', 'end 1'])
  })
})

describe('The ends in an audit log', () => {
  const step = (kind: string, grant: string, statement: string) =>
    auditLine({ kind: 'step', at: noon, event: '1-0', step: kind, grant, statement, rules: 'hash' })
  const read = async (file: string, ...ids: string[]): Promise<string[]> => {
    const found: string[] = []
    for await (const statement of endsInAudit(file, new Set(ids))) found.push(statement)
    return found
  }

  test('are those of the grants that are asked for, whatever else stands there', async () => {
    const { folder, remove } = await aFolder()
    closing.push(remove)
    const file = join(folder, 'workers.jsonl')
    const torn = step('end', first.id, 'torn').slice(0, 60)
    await writeFile(
      file,
      `${step('grant', first.id, 'given')}${step('end', first.id, 'its end')}${torn}\n{"step":"end"}\n"step":"end"\n${step('end', second.id, 'another')}`,
    )
    expect(await read(file, first.id)).toEqual(['its end'])
    expect(await read(file, second.id, first.id)).toEqual(['its end', 'another'])
    expect(await read(file)).toEqual([])
    expect(await read(join(folder, 'none.jsonl'), first.id)).toEqual([])
  })
})
