import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connectPatient, connectPrompt } from '#access/adapters/redis/connect.ts'
import { followView } from '#access/adapters/redis/follow-view.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { createView } from '#access/domain/view.ts'
import { ensureRedis } from '#infra/sandbox/redis/ensure-redis.ts'
import type { RunningRedis } from '#infra/sandbox/redis/start-redis.ts'
import { aKeptDatabase, type KeptDatabase } from '../access/runtime/a-kept-database.ts'
import { aGrant, keptAlarms, nthId, until } from '../builders.ts'
import { type Relay, startRelay } from '../proofs/fleet/relay.ts'

/*
 * A follower that was away, or too slow, for longer than Redis keeps for it what it missed: the stream was trimmed behind
 * it, or Redis closed its connection because more waited there than it lets a client have (client-output-buffer-limit).
 * Meanwhile somebody’s pass was revoked. Nothing of it may be missed.
 */
const limit = 128 * 1_024
/** Of some 1,200 characters each: together far more than the limit. */
const many = 400
let folder: string
let server: RunningRedis
let kept: KeptDatabase
let relay: Relay
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pagepass-touch-'))
  server = await ensureRedis({ folder, say: () => undefined })
  kept = await aKeptDatabase(server.url, 0)
})
beforeEach(async () => {
  await kept.startOver()
  await kept.redis.config('SET', 'client-output-buffer-limit', `normal ${limit} 0 0`)
  relay = await startRelay(server.url)
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  relay.close()
  await kept.stopAll()
})
afterAll(async () => {
  await kept?.close()
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})
const stops: (() => unknown)[] = []

/** As a proxy keeps its view, by way of the relay. */
const startFollower = async () => {
  const view = createView()
  const alarms = keptAlarms()
  let syncs = 0
  const [prompt, patient] = [
    connectPrompt(relay.url, () => undefined),
    connectPatient(relay.url, () => undefined),
  ]
  const follower = followView(
    {
      ...{ prompt, patient, view, clock: kept.clock },
      ...{ statements: createStatements(kept.keys.proxy), heads: 'demanded' },
    },
    {
      alarm: alarms.alarm,
      synced: () => {
        syncs += 1
      },
    },
  )
  stops.push(async () => {
    await follower.stop()
    prompt.disconnect()
  })
  await until(view.ready, 'the follower to be in step')
  return { view, alarms: alarms.all, syncs: () => syncs }
}
/** How often it said so in its log. */
const closedByRedis = async (): Promise<number> =>
  (await readFile(server.logFile, 'utf8')).split('overcoming of output buffer limits').length - 1

const grants = Array.from({ length: many }, (_, number) =>
  aGrant({
    id: nthId(number),
    why: { kind: 'request', rule: 'on_request[0]', reason: 'so that it is long. '.repeat(20) },
  }),
)
const [revoked = grants[0], ...others] = grants
if (revoked === undefined) throw new Error('no grant')

describe('A follower', () => {
  test('whose stream was trimmed while it was away finds the gap, and misses no end', async () => {
    const bot = await kept.startKeeping()
    await bot.store.give(revoked)
    const { view, alarms, syncs } = await startFollower()
    const before = syncs()
    relay.set('closed')
    await bot.store.end(revoked, 'revoked')
    for (const grant of others.slice(0, 5)) await bot.store.give(grant)
    await kept.redis.xtrim(names.events, 'MAXLEN', 1)
    expect(view.get(revoked.id), 'it can’t know yet').toBeDefined()
    relay.set('open')
    await until(() => view.get(revoked.id) === undefined, 'the end')
    await until(() => [...view.all()].length === 5, 'what was given meanwhile')
    expect([syncs() > before, alarms.length > 0]).toEqual([true, true])
  })

  test('that is silent while more comes than Redis keeps for it is disconnected, and misses no end', async () => {
    const bot = await kept.startKeeping()
    await bot.store.give(revoked)
    const { view } = await startFollower()
    const closedBefore = await closedByRedis()
    relay.set('silent')
    for (const grant of others) await bot.store.give(grant)
    await bot.store.end(revoked, 'revoked')
    relay.set('open')
    await until(() => view.get(revoked.id) === undefined, 'the end')
    await until(() => [...view.all()].length === others.length, 'what was given meanwhile')
    expect(await closedByRedis()).toBeGreaterThan(closedBefore)
  })

  test('that starts gets a snapshot that is longer than Redis lets one reply be', async () => {
    const bot = await kept.startKeeping()
    for (const grant of grants) await bot.store.give(grant)
    await bot.live.catchUp()
    const closedBefore = await closedByRedis()
    const { view } = await startFollower()
    expect([...view.all()]).toHaveLength(many)
    expect(await closedByRedis()).toBeGreaterThan(closedBefore)
  })
})
