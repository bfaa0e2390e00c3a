import type { Grant } from '#access/domain/grant.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { ana, aWorld, ben, eve } from '../access/operations/a-world.ts'
import { rulesOf } from '../builders.ts'
import { moreThanAsked, moreThanExtended, type Pass } from './narrowing/model.ts'
import type { Proof } from './proof.ts'
import { type Random, randomOf, seedOfRun } from './random.ts'

const actsEach = 12
const minute = 60_000
const people = [ana, ben, eve]
const rules = rulesOf()
const hostile = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e15, 0.5, -minute]

type Counts = { given: number; extended: number; refused: number }

/**
 * Narrowing only (I-08): given ⊆ asked ⊆ allowed; no extension passes what the tier allows in all, and none revives what is
 * over. A trial is a run of asks, extensions and revocations by three people, judged by the plain words of the rule set.
 */
export const proveNarrowing: Proof = async (trials, say) => {
  const seed = seedOfRun()
  say(`PROOF_SEED=${seed}`)
  const violations: string[] = []
  const counts: Counts = { given: 0, extended: 0, refused: 0 }
  for (let number = 0; number < trials; number += 1) {
    const random = randomOf(seed, `run ${number}`)
    await runOnce(random, counts, (what) => void violations.push(`run ${number}: ${what}`))
    if ((number + 1) % 10_000 === 0) say(`${number + 1} of ${trials} runs, ${violations.length} violations`)
  }
  return { violations, missed: [], seed, ...counts }
}

const runOnce = async (random: Random, counts: Counts, violated: (what: string) => void): Promise<void> => {
  const world = aWorld({ rules })
  const { parts } = world
  /** The newest version of each, as it was told. */
  const passes = new Map<string, Pass>()
  for (let act = 0; act < actsEach; act += 1) {
    world.later(random.chance(0.7) ? random.below(10 * minute) : random.below(180 * minute))
    const person = random.pick(people)
    const duration = durationOf(random)
    const one = random.chance(0.85) ? [...passes.values()].at(-1) : random.pick([...passes.values()])
    const now = world.clock.now()
    if (one === undefined || random.chance(0.35)) {
      const ask = {
        service: random.pick(['orders-svc', 'payments-svc', 'nosuch-svc']),
        ...(random.chance(0.2) ? {} : { tier: random.pick(['observe', 'operate', 'admin', 'root']) }),
        ...(duration === undefined ? {} : { duration }),
        ...(random.chance(0.2) ? {} : { reason: 'stuck orders' }),
      }
      const outcome = await askForGrant(parts, person, ask)
      if ('refused' in outcome) {
        counts.refused += 1
        continue
      }
      const pass = passOf(outcome.grant)
      // What stands already for the same is told again; it was judged when it was given.
      if (passes.has(pass.id)) continue
      counts.given += 1
      const asked = { service: ask.service, tier: ask.tier, duration }
      for (const what of moreThanAsked(pass, asked, person))
        violated(`${what}: ${JSON.stringify([asked, pass])}`)
      passes.set(pass.id, pass)
    } else if (random.chance(0.8)) {
      await parts.live.catchUp()
      const holder = people.find(({ subject }) => subject === one.subject) ?? person
      const by = random.chance(0.9) ? holder : person
      const ended = world.endOf(one.id) !== undefined
      const outcome = await extendGrant(parts, by, one.id, duration)
      if (!('grant' in outcome)) {
        counts.refused += 1
        continue
      }
      counts.extended += 1
      const after = passOf(outcome.grant)
      if (by.subject !== one.subject) violated(`${by.subject} extended what is ${one.subject}’s`)
      for (const what of moreThanExtended(one, after, { duration, ended, now }))
        violated(`${what}: ${JSON.stringify([duration, one, after])}`)
      passes.set(after.id, after)
    } else {
      await parts.live.catchUp()
      await revokeGrant(parts, person, one.id)
    }
  }
}

const durationOf = (random: Random): number | undefined => {
  if (random.chance(0.15)) return undefined
  return random.chance(0.15) ? random.pick(hostile) : random.whole(1, random.pick([30, 90, 600])) * minute
}

const passOf = (grant: Grant): Pass => ({ ...grant, subject: grant.who.subject })
