import { setTimeout as sleep } from 'node:timers/promises'
import { type Person, people } from '#infra/sandbox/people.ts'
import { askOnce } from './degraded/ask.ts'
import {
  headsStop,
  judge,
  type Outage,
  type Part,
  type ProbeName,
  parts,
  type Tried,
} from './degraded/judge.ts'
import { type Scene, startScene, ways, whenStaleMs } from './degraded/scene.ts'
import { patiently } from './fleet/patiently.ts'
import { withRedis } from './fleet/with-redis.ts'
import type { Proof } from './proof.ts'

/** How long it goes on where nothing grows stale, and how long after what does has to be closed. */
const shortMs = 2_500
const afterMs = 1_000
const everyMs = 100

type Probe = {
  readonly who: Person
  readonly service: string
  readonly method: string
  readonly path: string
}
const { ana, ben, cho, dan, eve } = people
const asking: Readonly<Record<ProbeName, Probe>> = {
  held: { who: ben, service: 'orders-svc', method: 'GET', path: '/v1/orders' },
  beyond: { who: ben, service: 'orders-svc', method: 'PUT', path: '/v1/flags/beyond' },
  ended: { who: ben, service: 'payments-svc', method: 'GET', path: '/v1/orders' },
  stranger: { who: eve, service: 'orders-svc', method: 'GET', path: '/v1/orders' },
  asked: { who: cho, service: 'orders-svc', method: 'PUT', path: '/v1/flags/asked' },
  paged: { who: ana, service: 'orders-svc', method: 'POST', path: '/v1/orders/1002/retry' },
  standing: { who: cho, service: 'payments-svc', method: 'GET', path: '/status/200' },
  locked: { who: dan, service: 'payments-svc', method: 'GET', path: '/status/200' },
  approved: { who: cho, service: 'orders-svc', method: 'DELETE', path: '/v1/orders/7' },
  unapproved: { who: cho, service: 'payments-svc', method: 'DELETE', path: '/v1/orders/7' },
}

/** The n-th set of what is down. The first are those that tell most, so that few trials are worth something. */
const subsets: readonly (readonly Part[])[] = (() => {
  const first: readonly (readonly Part[])[] = [[], [...parts], ['redis'], ['bot', 'workers'], ['pagerduty']]
  const all = Array.from({ length: 2 ** parts.length }, (_, bits) =>
    parts.filter((_part, index) => (bits & (1 << index)) !== 0),
  )
  const key = (of: readonly Part[]): string => of.join()
  return [...first, ...all.filter((one) => !first.some((other) => key(other) === key(one)))]
})()

/**
 * Degraded is a subset (I-09): whatever set of Redis, workers, bot, Slack, PagerDuty and identity provider is down, what is
 * let in is what would be let in with all of them up, for no longer than the tier says; who was locked out stays out, and what
 * needs an approval waits for one; standing rules go on; and the bot says in words what it can't do. Real processes; bots and
 * workers are frozen or killed, the others silent, cut, or (Redis) far too slow. A trial is one such set.
 */
export const proveDegraded: Proof = (trials, say) =>
  withRedis('degraded', say, async (ground) => {
    const scene = await startScene(ground)
    await scene.untilHealthy()
    await lockDan(scene)
    const violations: string[] = []
    const allowed: Record<string, number> = {}
    for (let trial = 0; trial < trials; trial += 1) {
      const down = subsets[trial % subsets.length] as readonly Part[]
      const outage = await liveThrough(scene, down, trial)
      const name = down.join(', ') || 'nothing'
      const found = judge(outage).map((one) => `without ${name}: ${one}`)
      violations.push(...found)
      for (const { probe } of outage.tried.filter((one) => one.allowed))
        allowed[probe] = (allowed[probe] ?? 0) + 1
      say([`${trial + 1} of ${trials}: without ${name}, ${found.length} violations`, ...found].join('\n'))
    }
    for (const probe of ['held', 'asked', 'paged', 'approved', 'standing'])
      if (allowed[probe] === undefined) violations.push(`${probe} was never let in: this proves nothing`)
    return { violations, missed: [], when_stale_ms: whenStaleMs, let_in: allowed }
  })

/** A standing rule lets him in, until he is locked out for good. */
const lockDan = async (scene: Scene): Promise<void> => {
  const { who, service, method, path } = asking.locked
  const at = { port: scene.port, host: `${service}.localhost`, method, path, token: await scene.tokenOf(who) }
  await patiently(async () => (await askOnce(at)).allowed, 'Dan to be let in')
  await scene.lockOut(who)
  await patiently(async () => (await askOnce(at)).reason === 'principal-locked', 'Dan to be locked out')
}

const liveThrough = async (scene: Scene, down: readonly Part[], trial: number): Promise<Outage> => {
  const tokens = new Map<Person, string>()
  for (const person of [ana, ben, cho, dan, eve]) tokens.set(person, await scene.tokenOf(person))
  const ask = async (probe: ProbeName): Promise<Tried> => {
    const { who, service, method, path } = asking[probe]
    const at = { port: scene.port, host: `${service}.localhost`, method, path, token: tokens.get(who) ?? '' }
    return { probe, ...(await askOnce(at)) }
  }
  /** A bot that was frozen a moment ago may be too late for Slack. */
  const insist = (probe: ProbeName, wanted: boolean, order: () => Promise<unknown>): Promise<void> =>
    patiently(
      async () => {
        await order()
        await sleep(everyMs)
        return (await ask(probe)).allowed === wanted
      },
      `${probe} to be ${wanted ? 'let in' : 'refused'}`,
    )
  await insist('held', true, () => scene.say(ben, `grant orders-svc 1h because of trial ${trial}`))
  await insist('ended', true, () => scene.say(ben, `grant payments-svc 1h because of trial ${trial}`))
  await insist('ended', false, () => scene.say(ben, 'revoke payments-svc'))
  // A bot that was frozen carries out what came meanwhile once it goes on.
  for (const probe of ['asked', 'paged', 'approved'] as const)
    await insist(probe, false, () => scene.endAll(ben))
  const approve = await scene.askForApproval(cho, ben, 'orders-svc', `of trial ${trial}`)
  await scene.askForApproval(cho, ben, 'payments-svc', `of trial ${trial}`)

  // In turn Redis says nothing, its connections break, and it answers far too late.
  const way = ways[(trial + Math.floor(trial / subsets.length)) % ways.length] ?? 'closed'
  for (const part of down) await scene.set(part, false, way)
  const cutAt = Date.now()
  const stops = headsStop(down)
  const lastHeadAt = await scene.lastHeadAt(cutAt)
  const until = stops ? lastHeadAt + whenStaleMs + afterMs : cutAt + shortMs
  const tried: Tried[] = []
  const asks = Object.keys(asking) as ProbeName[]
  const isOver = (): boolean => Date.now() > until && (down.length > 0 || seenAll(tried))
  const loops = asks.map(async (probe) => {
    do {
      tried.push(await ask(probe))
      await sleep(everyMs)
    } while (!isOver())
  })
  const resolve = scene.page()
  const approving = approve()
  const said = await scene.say(cho, 'grant orders-svc 1h operate because of a proof')
  await Promise.all([...loops, approving])
  const mode = await scene.modeOfProxy()

  // Whoever comes back is to find nothing to give any more.
  resolve()
  for (const part of down) await scene.set(part, true)
  await scene.untilHealthy()
  await scene.endAll()
  await patiently(async () => !(await ask('held')).allowed, 'every pass to be ended')
  const slow = way === 'slow'
  return { down, slow, cutAt, lastHeadAt, whenStale: whenStaleMs, tried, said, mode }
}

const seenAll = (tried: readonly Tried[]): boolean =>
  (['held', 'asked', 'paged', 'approved'] as const).every((probe) =>
    tried.some((one) => one.probe === probe && one.allowed),
  )
