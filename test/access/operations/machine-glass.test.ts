import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { askToBreakGlass } from '#access/operations/ask-to-break-glass.ts'
import { breakGlass } from '#access/operations/break-glass.ts'
import { endLocked } from '#access/operations/end-locked.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { reviewGlass } from '#access/operations/review-glass.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { aLock, rulesOf, rulesText } from '../../builders.ts'
import { ana, aWorld, ben, cho, eve, minute } from './a-world.ts'

const rules = rulesOf(
  `${rulesText}\nlock: { who: [sre] }\nbreak_glass: { who: [sre], tier: admin, for: 20m, need: 1, keys: { ana: ${'B'.repeat(43)} } }\n`,
)

/** The life of what Ben breaks the glass for, in a few lines: what it is, when that is over, and what bars the next. */
class Life {
  state: 'none' | 'offered' | 'active' | 'over' = 'none'
  until = 0
  locked = false
  waitsForReview = false
  stands(now: number): boolean {
    return (this.state === 'offered' || this.state === 'active') && now < this.until
  }
}

/** What the operations need, with who is locked out and what waits for a review. */
const aRealOne = () => {
  const world = aWorld({ rules })
  const locked = new Set<Person>()
  const waits = new Map<string, string>()
  const reviewed = new Set<string>()
  const is = { id: '', signedIn: true, announced: 0, nonces: 0 }
  const parts = {
    ...world.parts,
    locks: { isLocked: () => locked.has(ben) },
    newNonce: () => {
      is.nonces += 1
      return `${'n'.repeat(30)}${is.nonces}`
    },
    reviews: {
      waiting: async (who: string) => waits.get(who),
      reviewed: async (_: string, id: string) => reviewed.has(id),
      begin: async (who: string, id: string) => waits.set(who, waits.get(who) ?? id).get(who) === id,
      done: async ({ id, who }: Grant) => {
        const waited = waits.get(principalKey(who)) === id && waits.delete(principalKey(who))
        if (waited) reviewed.add(id)
        return waited
      },
    },
    signIns: { begin: async () => 'https://idp.example.com' },
    verifySignIn: async () =>
      is.signedIn ? { signedInAt: world.clock.now() } : ({ refused: 'too old' } as const),
    announce: async (): Promise<void> => {
      is.announced += 1
    },
  }
  const me = (): Person => (locked.has(ben) ? { ...ben, active: false, locked: true } : ben)
  return { world, parts, is, me, locked }
}
type Real = ReturnType<typeof aRealOne>

/** Both say what came of it: the same. */
const step = (
  name: string,
  run: (life: Life, real: Real) => Promise<void>,
  check: (life: Life) => boolean = ({ state }) => state !== 'none',
): fc.AsyncCommand<Life, Real> => ({
  check,
  run: async (life, real) => {
    await run(life, real)
    const { world, is } = real
    const grant = world.all().find(({ id }) => id === is.id)
    expect(world.endOf(is.id) !== undefined).toBe(life.state === 'over')
    if (life.state === 'offered' || life.state === 'active')
      expect([grant?.state, grant?.until]).toEqual([life.state, life.until])
    if (life.state !== 'active' || grant === undefined) return
    expect(grant.until - grant.from).toBe(20 * minute)
    expect(grant.why).toMatchObject({ kind: 'break-glass', signIn: 'a.b.c' })
    expect([is.announced > 0, life.locked, grant.extended]).toEqual([true, false, undefined])
  },
  toString: () => name,
})

const ask = step(
  'Ben asks',
  async (life, { world, parts, is, me }) => {
    const outcome = await askToBreakGlass(parts, me(), { service: 'orders-svc', reason: 'it burns' })
    const bar = life.locked ? 'principal-locked' : life.waitsForReview ? 'review-needed' : undefined
    if (bar !== undefined) return expect(outcome).toEqual({ refused: { reason: bar } })
    is.id = 'grant' in outcome ? outcome.grant.id : expect.fail('refused')
    life.state = 'offered'
    life.until = world.clock.now() + 10 * minute
  },
  ({ state }) => state === 'none' || state === 'over',
)
const confirm = fc.constantFrom(true, true, false).map((signedIn) =>
  step(`Ben confirms, signed in: ${signedIn}`, async (life, { world, parts, is, me }) => {
    const before = is.announced
    is.signedIn = signedIn
    const now = world.clock.now()
    const stands = life.state === 'offered' && life.stands(now)
    expect('signIn' in (await breakGlass(parts, me(), is.id))).toBe(stands && !life.locked)
    const outcome = await breakGlass(parts, me(), is.id, 'a.b.c')
    const breaks = stands && signedIn
    expect('grant' in outcome).toBe(breaks)
    // Whatever becomes access was told to everybody before, and nothing else is.
    expect(is.announced - before).toBe(breaks ? 1 : 0)
    if (!breaks) return
    life.state = 'active'
    life.until = now + 20 * minute
    life.waitsForReview = true
  }),
)
const review = fc.constantFrom(ana, ben, cho).map((person) =>
  step(`${person.name} reviews`, async (life, { world, parts, is }) => {
    const grant = world.all().find(({ id }) => id === is.id) ?? expect.fail('no pass')
    const may = person !== ben && life.waitsForReview
    expect('reviewed' in (await reviewGlass(parts, person, grant))).toBe(may)
    if (may) life.waitsForReview = false
  }),
)
const extend = step('Ben extends', async (_, { parts, is, me }) => {
  expect(await extendGrant(parts, me(), is.id)).toHaveProperty('refused')
})
const revoke = fc.constantFrom(ben, cho, eve).map((person) =>
  step(`${person.name} revokes`, async (life, { world, parts, is }) => {
    const outcome = await revokeGrant(parts, person, is.id)
    // Cho is of those who own the service.
    const may = person !== eve && life.state !== 'over'
    expect('refused' in outcome).toBe(!may)
    if (!may) return
    expect(world.endOf(is.id)?.cause).toBe(life.state === 'active' ? 'revoked' : 'withdrawn')
    life.state = 'over'
  }),
)
const expire = step('its time is looked at', async (life, { world, parts, is }) => {
  const due = life.state !== 'over' && world.clock.now() >= life.until
  const outcome = await expireGrant(parts, is.id)
  expect(outcome).toEqual(due ? 'ended' : life.state === 'over' ? 'over' : { dueAt: life.until })
  if (due) life.state = 'over'
})
const lock = step(
  'Ben is locked out',
  async (life, { world, parts, is, locked }) => {
    locked.add(ben)
    life.locked = true
    const ended = await endLocked(
      parts,
      aLock({ who: { issuer: ben.issuer, subject: ben.subject, name: ben.name } }),
    )
    const stood = life.state === 'offered' || life.state === 'active'
    expect([ended, stood ? world.endOf(is.id)?.cause : 'locked']).toEqual([stood ? 1 : 0, 'locked'])
    if (stood) life.state = 'over'
  },
  () => true,
)
const letIn = step(
  'Ben is let in again',
  async (life, { locked }) => {
    locked.delete(ben)
    life.locked = false
  },
  ({ locked }) => locked,
)
const wait = fc.constantFrom(1, minute, 10 * minute, 20 * minute).map((ms) =>
  step(
    `${ms} ms pass`,
    async (_, { world }) => world.later(ms),
    () => true,
  ),
)

test('Whoever breaks the glass has it once, after it was told, until its end, and not again before a review', async () => {
  const one = fc.constant
  const steps = [
    one(ask),
    one(ask),
    confirm,
    confirm,
    review,
    review,
    one(extend),
    revoke,
    one(expire),
    one(lock),
    one(letIn),
    wait,
  ]
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 40, size: '+1' }), (commands) =>
      fc.asyncModelRun(() => ({ model: new Life(), real: aRealOne() }), commands),
    ),
    { numRuns: 100 },
  )
}, 60_000)
