import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectPatient } from '#access/adapters/redis/connect.ts'
import { names } from '#access/adapters/redis/names.ts'
import type { Grant } from '#access/domain/grant.ts'
import { grantIdFromFacts } from '#access/domain/grant-id.ts'
import { nextVersion } from '#access/domain/grant-transitions.ts'
import { loadRules } from '#access/runtime/rules.ts'
import { people } from '#infra/sandbox/people.ts'
import { prepareFolder } from '#infra/sandbox/stack.ts'
import { startBotPart } from '../builders/proxy.ts'
import { freePorts } from '../free-ports.ts'
import { figuresOf, missedOf } from './figures.ts'
import { withRedis } from './fleet/with-redis.ts'
import { createFaults, type FaultName, faultNames } from './jobs/faults.ts'
import { judge, type Told } from './jobs/judge.ts'
import { startFaultyWorkers } from './jobs/workers.ts'
import type { Proof } from './proof.ts'
import { randomOf, seedOfRun } from './random.ts'

/** So many live at once. */
const batch = 500
const aim = { max: 60_000 }
/** What has not ended by then never does. */
const hopelessMs = 150_000

/**
 * Jobs are only helpers (I-22): a trial is a pass of a few seconds whose jobs are lost, late, early, doubled, altered, swapped,
 * forged or of another Pagepass, while the workers are killed and stopped. Each ends once, by its own cause, not before its
 * time, and nothing is revived; what was forged is refused, recorded and kept.
 */
export const proveJobs: Proof = (trials, say) =>
  withRedis('jobs', say, async ({ folder, redis: server, ends }) => {
    const seed = seedOfRun()
    say(`seed ${seed} (PROOF_SEED=${seed} makes the same choices again)`)
    const random = randomOf(seed, 'passes')
    const prepared = await prepareFolder(folder, await freePorts())
    const { rules } = await loadRules(prepared.rules)
    const bot = await startBotPart(server.url, prepared.keys, rules.environment)
    ends(async () => {
      await bot.stop()
      bot.disconnect()
    })
    const redis = connectPatient(server.url, () => undefined)
    ends(() => redis.disconnect())
    const faults = createFaults(redis, randomOf(seed, 'faults'))
    ends(faults.close)
    const workers = await startFaultyWorkers(prepared, server.url, 2, randomOf(seed, 'processes'))
    ends(workers.stop)

    const told: Told[] = []
    const counts = Object.fromEntries(faultNames.map((name) => [name, 0])) as Record<FaultName, number>
    const { subject, fullName: name } = people.ana

    const give = async (number: number): Promise<Grant> => {
      const now = Date.now()
      const lasts = random.whole(1_500, 6_000)
      const grant: Grant = {
        id: grantIdFromFacts(['jobs', String(seed), String(number)]),
        version: 1,
        environment: rules.environment,
        state: 'active',
        step: 'given',
        who: { issuer: rules.identity.issuer, subject, name },
        services: ['orders-svc'],
        tier: 'observe',
        from: now,
        until: now + lasts,
        duration: lasts,
        why: { kind: 'request', rule: 'on_request[0]' },
        nonce: randomBytes(16).toString('base64url'),
        rules: rules.hash,
        at: now,
      }
      await bot.store.give(grant)
      return grant
    }

    const live = async (grant: Grant, fault: FaultName, other: string): Promise<void> => {
      counts[fault] += 1
      await sleep(random.between(0, 1_000))
      if (fault === 'extended') {
        const longer = nextVersion(grant, 'extended', { until: grant.until + 2_000, extended: 1 }, Date.now())
        // Where its time was over first, it has ended, and stays so.
        const { given } = await bot.store.give(longer)
        told.push({ id: grant.id, until: given ? longer.until : grant.until, cause: 'expired' })
        return
      }
      if (fault === 'revoked') {
        const { ended } = await bot.store.end(grant, 'revoked')
        await faults.apply(grant.id, 'doubled', other)
        told.push({ id: grant.id, until: grant.until, cause: ended ? 'revoked' : 'expired' })
        return
      }
      await faults.apply(grant.id, fault, other)
      told.push({ id: grant.id, until: grant.until, cause: 'expired' })
    }

    const comeToRest = async (): Promise<void> => {
      const hopeless = AbortSignal.timeout(hopelessMs)
      while ((await redis.hlen(names.live)) > 0 && !hopeless.aborted) await sleep(100)
    }

    for (let from = 0; from < trials; from += batch) {
      const some = Math.min(batch, trials - from)
      let rested = false
      const hurting = workers.hurt(() => rested)
      const grants: Grant[] = []
      for (let number = 0; number < some; number += 1) grants.push(await give(from + number))
      await Promise.all(
        grants.map((grant, index) =>
          live(grant, random.pick(faultNames), grants[(index + 1) % some]?.id ?? grant.id),
        ),
      )
      await comeToRest()
      rested = true
      await hurting
      say(`${from + some} of ${trials} passes, ${workers.counts.kills} kills, ${workers.counts.stops} stops`)
    }

    const { violations, lateMs } = await judge(redis, told)
    const lost = await notRefused(faults, prepared.folder, workers.names)
    return {
      seed,
      violations: [...violations, ...lost],
      missed: missedOf('found', lateMs, aim),
      ...Object.fromEntries(Object.entries(counts).map(([fault, count]) => [`jobs_${fault}`, count])),
      kills: workers.counts.kills,
      stops: workers.counts.stops,
      refused: faults.refused.length,
      ...figuresOf('found', lateMs),
    }
  })

/** What was forged has to be in Redis with its reason, and in the audit of a worker. */
const notRefused = async (
  faults: ReturnType<typeof createFaults>,
  folder: string,
  workers: readonly string[],
): Promise<string[]> => {
  const missing: string[] = []
  const hopeless = AbortSignal.timeout(hopelessMs)
  for (const one of faults.refused) {
    while (!(await faults.isKept(one)) && !hopeless.aborted) await sleep(50)
    if (!(await faults.isKept(one))) missing.push(`${one.id} in ${one.queue} was not refused and kept`)
  }
  // Read after the last was refused, since each is recorded before.
  const logs = await Promise.all(
    workers.map((name) => readFile(join(folder, 'audit', `workers-${name}.jsonl`), 'utf8')),
  )
  const recorded = (id: string): boolean => logs.some((log) => log.includes(`"job":"${id}"`))
  for (const { id } of faults.refused) if (!recorded(id)) missing.push(`${id} was not recorded`)
  return missing
}
