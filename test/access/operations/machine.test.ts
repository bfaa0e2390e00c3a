import fc from 'fast-check'
import { expect, test } from 'vitest'
import { approveGrant } from '#access/operations/approve-grant.ts'
import { askForGrant } from '#access/operations/ask-for-grant.ts'
import { denyGrant } from '#access/operations/deny-grant.ts'
import { expireGrant } from '#access/operations/expire-grant.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { revokeGrant } from '#access/operations/revoke-grant.ts'
import { aPerson, rulesOf, rulesText } from '../../builders.ts'
import { aWorld, ben, everyone, hour, ida, minute, type World } from './a-world.ts'

const lea = aPerson({ ...ida, subject: 'idp-lea', name: 'Lea Roth', slack: { team: 'T', user: 'ULEA' } })
const { pagerduty: _none, ...leaAlone } = lea
const tieMs = 5_000
const lasts = 30 * minute
/** What the tier lets an extension by hand add: once, half of what it gave. Only what nobody had to approve. */
const rules = rulesOf(
  rulesText
    .replace(
      'count: 1, from: [sre] } }',
      'count: 2, from: [sre], escalate: { after: 20m, to: [payments] } } }',
    )
    .replaceAll(/how: (at once|approval) }/g, 'how: $1, ahead: 7d }'),
)

/** The whole life of one request that two others approve, in ten lines: what it is, when that is over, who said yes. */
class Life {
  state: 'none' | 'pending' | 'active' | 'over' = 'none'
  asked = 0
  from = 0
  until = 0
  approvedAt = Number.NEGATIVE_INFINITY
  readonly yes = new Set<string>()
  standing(now: number): boolean {
    return (this.state === 'pending' || this.state === 'active') && now < this.until
  }
  mayDecide(who: string, now: number): boolean {
    return (
      who !== 'idp-ben' &&
      (['idp-ida', 'idp-lea'].includes(who) ||
        (now >= this.asked + 20 * minute && ['idp-ana', 'idp-cho'].includes(who)))
    )
  }
}

type Real = { readonly world: World; id: string }
type Step = fc.AsyncCommand<Life, Real>
const people = [...everyone, leaAlone]
const anyone = fc.constantFrom(...people)
const now = ({ world }: Real): number => world.clock.now()

/** Both say what came of it: the same. */
const step = (
  name: string,
  check: (life: Life) => boolean,
  run: (life: Life, real: Real) => Promise<void>,
): Step => ({
  check,
  run: async (life, real) => {
    await run(life, real)
    const grant = real.world.all()[0]
    const end = real.world.endOf(real.id)
    if (life.state === 'none') return expect(grant).toBeUndefined()
    expect(end === undefined).toBe(life.state !== 'over')
    if (life.state !== 'over')
      expect([grant?.state, grant?.from, grant?.until]).toEqual([
        life.state,
        life.state === 'pending' ? life.asked : life.from,
        life.until,
      ])
  },
  toString: () => name,
})

const ask = fc.constantFrom(0, 40 * minute, 5 * hour).map((ahead) =>
  step(
    `ask ${ahead / minute}m ahead`,
    ({ state }) => state === 'none',
    async (life, real) => {
      life.asked = now(real)
      const begins = ahead === 0 ? {} : { from: life.asked + ahead }
      const request = { service: 'orders-svc', tier: 'admin', reason: 'stuck', duration: lasts, ...begins }
      const outcome = await askForGrant(real.world.parts, ben, request)
      real.id = 'grant' in outcome ? outcome.grant.id : expect.fail('refused')
      life.state = 'pending'
      life.from = ahead
      life.until = life.asked + (ahead === 0 ? hour : ahead)
    },
  ),
)
const approve = anyone.map((person) =>
  step(
    `${person.name} approves`,
    ({ state }) => state !== 'none',
    async (life, real) => {
      const at = now(real)
      const may =
        life.state === 'pending' &&
        life.standing(at) &&
        life.mayDecide(person.subject, at) &&
        !life.yes.has(person.subject)
      const outcome = await approveGrant(real.world.parts, person, real.id)
      expect('grant' in outcome).toBe(may)
      if (may) life.yes.add(person.subject)
      if (!may || life.yes.size < 2) return
      life.state = 'active'
      life.approvedAt = at
      life.from = Math.max(at, life.from === 0 ? 0 : life.asked + life.from)
      life.until = life.from + lasts
    },
  ),
)
const deny = anyone.map((person) =>
  step(
    `${person.name} denies`,
    ({ state }) => state !== 'none',
    async (life, real) => {
      const at = now(real)
      const open = life.state === 'pending' || (life.state === 'active' && at - life.approvedAt < tieMs)
      const may = open && life.standing(at) && life.mayDecide(person.subject, at)
      expect('denied' in (await denyGrant(real.world.parts, person, real.id))).toBe(may)
      if (may) life.state = 'over'
    },
  ),
)
const takeBack = fc.constantFrom(ben, ida).map((person) =>
  step(
    `${person.name} revokes`,
    ({ state }) => state !== 'none',
    async (life, real) => {
      const outcome = await revokeGrant(real.world.parts, person, real.id)
      // By its id also what is just over: an extension may be on its way.
      const may = person === ben && life.state !== 'over'
      expect('refused' in outcome).toBe(!may)
      if (!may) return
      const toCome = life.state === 'pending' || life.from - now(real) > tieMs
      expect(real.world.endOf(real.id)?.cause).toBe(toCome ? 'withdrawn' : 'revoked')
      expect(real.world.endOf(real.id)?.state).toBe(toCome ? 'refused' : 'ended')
      life.state = 'over'
    },
  ),
)
const extend = fc.constant(
  step(
    'Ben extends',
    ({ state }) => state !== 'none',
    async (life, real) => {
      expect(await extendGrant(real.world.parts, ben, real.id)).toHaveProperty('refused')
      void life
    },
  ),
)
const expire = fc.constant(
  step(
    'its time is looked at',
    ({ state }) => state !== 'none',
    async (life, real) => {
      const due = life.state !== 'over' && now(real) >= life.until
      const outcome = await expireGrant(real.world.parts, real.id)
      expect(outcome).toEqual(due ? 'ended' : life.state === 'over' ? 'over' : { dueAt: life.until })
      if (!due) return
      expect(real.world.endOf(real.id)?.cause).toBe(life.state === 'active' ? 'expired' : 'lapsed')
      life.state = 'over'
    },
  ),
)
const wait = fc.constantFrom(1, tieMs - 1, tieMs, minute, 20 * minute, 40 * minute, 5 * hour).map((ms) =>
  step(
    `${ms} ms pass`,
    () => true,
    async (_, { world }) => world.later(ms),
  ),
)

test('A request that others approve lives as ten lines say, whatever anybody does, in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands([ask, approve, approve, approve, deny, takeBack, extend, expire, wait, wait], {
        maxCommands: 40,
        size: '+1',
      }),
      async (commands) => {
        const setUp = () => ({ model: new Life(), real: { world: aWorld({ rules, people }), id: '' } })
        await fc.asyncModelRun(setUp, commands)
      },
    ),
    { numRuns: 200 },
  )
}, 60_000)
