import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { followView } from '#access/adapters/redis/follow-view.ts'
import { createGrantStore } from '#access/adapters/redis/grant-store.ts'
import { names } from '#access/adapters/redis/names.ts'
import { createPagedPasses } from '#access/adapters/redis/paged-passes.ts'
import { prepareStore } from '#access/adapters/redis/prepare-store.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Incident } from '#access/domain/incident.ts'
import { createView } from '#access/domain/view.ts'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { declineOffer } from '#access/operations/decline-offer.ts'
import { denyGrant } from '#access/operations/deny-grant.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { followIncident } from '#access/operations/follow-incident.ts'
import { keepGrant } from '#access/operations/keep-grant.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import type { Unserved } from '#access/operations/serve-page.ts'
import { takeOffer } from '#access/operations/take-offer.ts'
import {
  anIncident,
  freshDatabase,
  freshStatements,
  frozenClock,
  keptAlarms,
  patiently,
  until,
} from '../../builders.ts'
import {
  ana,
  aWorld,
  ben,
  cho,
  hour,
  ida,
  mergedInto,
  minute,
  noon,
  pagedAs,
  renewing,
  resolvedBy,
} from './a-world.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let statements: Awaited<ReturnType<typeof freshStatements>>
const stops: (() => Promise<unknown>)[] = []
const alarms = keptAlarms()
let clock = frozenClock()
let runners: Awaited<ReturnType<typeof aRunner>>[]
const incidents = new Map<string, Incident>()
const told: Unserved[] = []
const { directory } = aWorld()

/** One bot: its own connections and its own view, on the one Redis. */
const aRunner = async () => {
  const prompt = database.connect()
  const view = createView()
  const follower = followView(
    { prompt, patient: database.connect(), view, statements: statements.bot, clock, heads: 'optional' },
    { alarm: alarms.alarm },
  )
  stops.push(follower.stop)
  await until(view.ready, 'the view is in step')
  return {
    rules: renewing('on acknowledge'),
    directory,
    clock,
    live: patiently(follower.live),
    store: createGrantStore(prompt, statements.bot, clock),
    newNonce: () => randomBytes(24).toString('base64url'),
    incidents: { read: async (id: string) => incidents.get(id) },
    pagedPasses: createPagedPasses(prompt),
    tellUnserved: async (unserved: Unserved) => void told.push(unserved),
    receipts: { of: async () => ({ confirmed: [], missing: [], streamsCut: 0 }) },
  }
}

beforeAll(async () => {
  database = await freshDatabase(inject('redisUrl'), 41)
  statements = await freshStatements()
})
beforeEach(async () => {
  await database.redis.flushdb()
  await prepareStore(database.redis, 'epoch-1')
  clock = frozenClock()
  incidents.clear()
  told.splice(0)
  alarms.all.splice(0)
  runners = await Promise.all([aRunner(), aRunner(), aRunner(), aRunner()])
})
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})
afterAll(() => database.close())

const incident = (changes: Partial<Incident> = {}): void => {
  const { resolution: _, ...before } =
    incidents.get(changes.id ?? 'Q1') ?? anIncident({ id: changes.id ?? 'Q1' })
  incidents.set(changes.id ?? 'Q1', { ...before, ...changes })
}
const first = () => runners[0] ?? expect.fail('no runner')
const followAll = (id = 'Q1') => Promise.all(runners.map((parts) => followIncident(parts, id)))
const events = () => database.redis.xlen(names.events)
const standing = async () => {
  const all = await database.redis.hvals(names.live)
  return Promise.all(all.map((statement) => statements.proxy.verify('grant', statement)))
}
const only = async () => {
  const [grant, ...others] = await standing()
  if (grant === undefined || others.length > 0) throw new Error(`${others.length + 1} grants, or none`)
  return grant
}
const ended = async () => {
  const all = await database.redis.hvals(names.ended)
  return Promise.all(all.map((both) => statements.proxy.verify('end', both.split(' ')[1] ?? '')))
}

describe('On a real Redis, whatever four bots do at once,', () => {
  test('a page makes one offer, acknowledging one pass of it, and every renewal one version, up to the cap', async () => {
    incident()
    await followAll()
    expect(await only()).toMatchObject({ state: 'offered', version: 1 })
    incident({ status: 'acknowledged', acknowledgedBy: ['PUANA01'] })
    await followAll()
    expect(await only()).toMatchObject({ state: 'active', step: 'taken', version: 2 })
    for (let times = 0; times < 8; times += 1) {
      clock.set(Math.max(clock.now(), (await only()).until - 15 * minute))
      await followAll()
    }
    expect(await only()).toMatchObject({ from: noon, until: noon + 5 * hour, step: 'extended' })
    expect(await events()).toBe((await only()).version)
    expect(told).toEqual([])
  })

  test('an offer is taken or turned down, once', async () => {
    incident()
    await followAll()
    const { id } = await only()
    const outcomes = await Promise.all(
      runners.map((parts, n) => (n % 2 ? takeOffer(parts, ana, id) : declineOffer(parts, ana, id))),
    )
    // Two bots that write the very same are both told that it is done.
    const kinds = outcomes.map((outcome) => Object.keys(outcome)[0]).filter((kind) => kind !== 'refused')
    expect(new Set(kinds).size).toBe(1)
    expect(await events()).toBe(2)
  })

  test('a request has one outcome: denied, if anybody denies', async () => {
    for (let round = 0; round < 15; round += 1) {
      const asked = await askForGrant(first(), ben, {
        service: 'orders-svc',
        tier: 'admin',
        reason: 'stuck',
        duration: 10 * minute + round,
      })
      const id = 'grant' in asked ? asked.grant.id : expect.fail('refused')
      const before = (await ended()).length
      await Promise.all(
        runners.map((parts, n) =>
          n === round % 4 ? denyGrant(parts, ida, id) : approveGrant(parts, ida, id),
        ),
      )
      expect(await standing()).toEqual([])
      expect((await ended()).length).toBe(before + 1)
      expect((await ended()).find((end) => end.id === id)?.cause).toBe('denied')
    }
  })

  test('asking twice is one ask', async () => {
    const ask = { service: 'orders-svc' }
    await askForGrant(first(), ana, ask)
    for (const parts of runners) await askForGrant(parts, ana, ask)
    expect(await events()).toBe(1)
  })

  test('extending and revoking at once ends it', async () => {
    await askForGrant(first(), ana, { service: 'orders-svc' })
    await Promise.all(
      runners.map((parts, n) =>
        n === 1
          ? revokeGrant(parts, ana, 'orders-svc')
          : extendGrant(parts, ana, 'orders-svc', (n + 1) * minute),
      ),
    )
    expect(await standing()).toEqual([])
    expect(await ended()).toMatchObject([{ cause: 'revoked', state: 'ended' }])
  })

  test('an incident that is resolved lets go of its pass, whoever extends it meanwhile', async () => {
    incident({ acknowledgedBy: ['PUANA01'] })
    await followAll()
    incident(resolvedBy('integration'))
    await Promise.all(
      runners.map((parts, n) =>
        n < 2 ? followIncident(parts, 'Q1') : extendGrant(parts, ana, 'orders-svc', n * minute),
      ),
    )
    expect(await only()).toMatchObject({ ending: { cause: 'incident over', keepable: true } })
    const { id } = await only()
    await Promise.all(runners.map((parts) => keepGrant(parts, ana, id)))
    await followAll()
    const kept = await only()
    expect(kept).toMatchObject({ kept: true, step: 'restored' })
    expect(kept.ending).toBeUndefined()
  })

  test('a pass that is kept while its offer is taken and the incident followed leaves one', async () => {
    for (let round = 0; round < 10; round += 1) {
      const id = `Q${round + 1}`
      const of = async (state: Grant['state']) =>
        (await standing()).find(
          (grant) => grant.state === state && grant.why.kind === 'page' && grant.why.incident.id === id,
        )?.id ?? expect.fail(`nothing of ${id} is ${state}`)
      const trusted = { kind: 'integration', id: 'PIDATADOG' } as const
      incident({ id, acknowledgedBy: ['PUANA01'], paged: [pagedAs(ana, clock.now())], trigger: trusted })
      await followAll(id)
      incident({ id, ...resolvedBy('integration') })
      await followAll(id)
      clock.set(clock.now() + minute)
      const paged = [pagedAs(ana, clock.now())]
      incident({ id, status: 'triggered', paged, trigger: { kind: 'unknown' } })
      await followAll(id)
      const [pass, offer] = [await of('active'), await of('offered')]
      await Promise.all(
        runners.map((parts, n) =>
          [
            () => keepGrant(parts, ana, pass),
            () => takeOffer(parts, ana, offer),
            () => followIncident(parts, id),
            () => (round % 2 ? keepGrant(parts, ana, pass) : takeOffer(parts, ana, offer)),
          ][(n + round) % 4]?.(),
        ),
      )
      const left = (await standing()).filter(({ why }) => why.kind === 'page' && why.incident.id === id)
      expect(left).toMatchObject([{ state: 'active' }])
      expect(left[0]?.ending).toBeUndefined()
    }
    expect(alarms.all).toEqual([])
  })

  test('an incident that is assigned away and back while they follow it leaves one pass, of whoever has it now', async () => {
    for (let round = 0; round < 10; round += 1) {
      const to = round % 2 === 0 ? ana : cho
      const { user } = pagedAs(to)
      clock.set(noon + round * minute)
      incident({ paged: [pagedAs(to, clock.now())], acknowledgedBy: [user] })
      await followAll()
      const holding = (await standing()).filter(
        ({ state, ending }) => state === 'active' && ending === undefined,
      )
      expect(holding.map(({ who }) => who.name)).toEqual([to.name])
    }
  })

  test('merged, a pass moves once', async () => {
    incident({ acknowledgedBy: ['PUANA01'] })
    await followAll()
    incident({ id: 'Q2', paged: [] })
    incident(mergedInto('Q2'))
    await Promise.all([followAll('Q1'), followAll('Q2')])
    expect(await only()).toMatchObject({
      version: 2,
      step: 'moved',
      why: { incident: { id: 'Q2' }, mergedFrom: 'Q1' },
    })
  })

  test('what is over is never revived, and what ended is not given again for the same assignment', async () => {
    incident({ acknowledgedBy: ['PUANA01'] })
    await followAll()
    const { id, until: end } = await only()
    clock.set(end)
    await followAll()
    expect(await only()).toMatchObject({ id, version: 1 })
    await Promise.all(runners.map((parts) => expireGrant(parts, id)))
    await followAll()
    expect(await standing()).toEqual([])
    expect(await events()).toBe(2)
    expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set(['page-again']))
  })

  test('nothing of it alarms anybody', async () => {
    incident({ acknowledgedBy: ['PUANA01'] })
    await followAll()
    await revokeGrant(first(), ana, 'orders-svc')
    expect(alarms.all).toEqual([])
  })
})
