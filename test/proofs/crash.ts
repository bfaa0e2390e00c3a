import type { Redis } from 'ioredis'
import { listDeadLetters } from '#access/adapters/dead-letters.ts'
import { connectPatient } from '#access/adapters/redis/connect.ts'
import { everyone, people } from '#infra/sandbox/people.ts'
import { call } from '../http-client.ts'
import { places } from '../journey/places.ts'
import { percentile, round } from '../measure.ts'
import { type Stack, startStack, victimNames } from '../running-stack.ts'
import { askByHand } from './crash/by-hand.ts'
import { type History, readHistory } from './crash/history.ts'
import { judgeGrants } from './crash/judge-grants.ts'
import { judgeMessages } from './crash/judge-messages.ts'
import { judgeRecords } from './crash/judge-records.ts'
import { createKiller, type Kills } from './crash/killer.ts'
import { createLedger, type Ledger } from './crash/ledger.ts'
import { bePaged } from './crash/pages.ts'
import { comeToRest } from './crash/quiet.ts'
import { keepSeen, request, type Seen } from './crash/requests.ts'
import type { Scene } from './crash/scene.ts'
import type { Proof } from './proof.ts'
import { seedOfRun } from './random.ts'

/**
 * The daily life of pages goes on while bot, workers, proxy and Redis are killed (SIGKILL), one after the other, at
 * random moments. A kill is a trial. Then everything comes to rest and is judged by what is stored, recorded and said.
 */
export const proveCrash: Proof = async (trials, say) => {
  const startedAt = performance.now()
  const seed = seedOfRun()
  say(`seed ${seed} (PROOF_SEED=${seed} makes the same choices again)`)
  const dropped = new AbortController()
  const interrupted = (): void => dropped.abort(new Error('the proof was interrupted'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted)
  const ledger = createLedger(say)
  const stack = await startStack(say)
  const closing = new AbortController()
  const scene: Scene = { stack, seed, ledger, closing: closing.signal, dropped: dropped.signal }
  const killer = createKiller(scene, say)
  const keeper = keepSeen(scene)
  const redis = connectPatient(stack.redisUrl, () => undefined)
  try {
    const actors = liveAll(scene)
    await killer.run(trials)
    closing.abort()
    const killedMs = performance.now() - startedAt
    say('no more kills; coming to rest …')
    await actors
    for (const what of await comeToRest(scene, redis)) ledger.violated(`it did not come to rest: ${what}`)
    await judgeAccess(stack, ledger)
    const judged = await judge(scene, redis, keeper.stop())
    const elapsed = performance.now() - startedAt
    return {
      seed,
      ...result(ledger, killer.found, judged),
      kill_phase_s: seconds(killedMs),
      elapsed_s: seconds(elapsed),
    }
  } catch (error) {
    for (const part of ['bot', 'workers', 'proxy'] as const) say(`${part} logged last:\n${stack.log(part)}`)
    throw error
  } finally {
    dropped.abort()
    keeper.stop()
    redis.disconnect()
    await killer.stop()
    await stack.stop()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, interrupted)
  }
}

/** Resolves when everybody has ended what they began. */
const liveAll = async (scene: Scene): Promise<void> => {
  const { ana, ben, cho, eve } = people
  await Promise.all([
    ...places.map((place) => bePaged(scene, place)),
    askByHand(scene, ben, 'orders-svc'),
    askByHand(scene, ben, 'payments-svc'),
    askByHand(scene, ana, 'payments-svc'),
    askByHand(scene, cho, 'orders-svc'),
    ...[ana, ben, cho].flatMap((person) =>
      places.flatMap(({ service }) => [1, 2].map((lane) => request(scene, person, service, lane))),
    ),
    request(scene, eve, 'orders-svc', 1),
  ])
}

/** Every incident is over and every pass ended or revoked: nobody has access. */
const judgeAccess = async (stack: Stack, ledger: Ledger): Promise<void> => {
  for (const person of everyone)
    for (const { service } of places) {
      const token = await stack.world.idp.tokenFor(person)
      const at = { port: stack.ports.proxy, host: `${service}.localhost`, token, path: '/v1/orders' }
      const { status } = await call(at)
      if (status !== 403) ledger.violated(`in the end ${person.name} gets ${status} from ${service}`)
    }
}

const judge = async ({ stack, ledger }: Scene, redis: Redis, seen: readonly Seen[]) => {
  const history = await readHistory(stack, redis)
  judgeGrants(history, ledger)
  const records = await judgeRecords(stack, history, seen, ledger)
  const told = await judgeMessages(stack, redis, history, ledger)
  for (const { queue, id, why } of await listDeadLetters(redis))
    ledger.violated(`dead letter in ${queue}: ${id}: ${why}`)
  return { history, seen, records, told }
}

type Judged = Awaited<ReturnType<typeof judge>>

const result = (
  ledger: Ledger,
  { kills, ready, unasked }: Kills,
  { history, seen, records, told }: Judged,
) => ({
  violations: ledger.violations,
  missed: [],
  ...Object.fromEntries(victimNames.map((name) => [`kills_${name}`, kills[name]])),
  ended_unasked: unasked.length,
  requests_sent: ledger.counts.requests,
  requests_answered: ledger.counts.answered,
  requests_forwarded: seen.length,
  ...records,
  streams: ledger.counts.streams,
  pages: ledger.counts.pages,
  grants: history.lives.size,
  events: history.events.length,
  promises: ledger.promised.length,
  tried_again: ledger.counts.tried_again,
  ...told,
  ...figures('pass_listed_after', ledger.passAfterMs),
  ...resolvedToOver(history, ledger),
  ...Object.assign({}, ...victimNames.map((name) => figures(`${name}_ready`, ready[name]))),
})

/** How long after a person resolved an incident its last pass was over. */
const resolvedToOver = ({ lives }: History, { resolved }: Ledger) => {
  const late = [...lives.values()].flatMap(({ versions, end }) => {
    const why = versions.at(-1)?.why
    const at = why?.kind === 'page' ? resolved.get(why.incident.id) : undefined
    return at === undefined || end === undefined || end.at < at ? [] : [end.at - at]
  })
  return figures('resolved_to_over', late)
}

const figures = (name: string, samples: readonly number[]) => ({
  [`${name}_p50_ms`]: round(percentile(samples, 0.5), 0),
  [`${name}_p99_ms`]: round(percentile(samples, 0.99), 0),
  [`${name}_max_ms`]: round(percentile(samples, 1), 0),
})

const seconds = (milliseconds: number): number => round(milliseconds / 1_000, 1)
