import { beforeEach, describe, expect, test } from 'vitest'
import { whyBeyond } from '#access/domain/decide-request.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { provenSignIn, type SignInProof } from '#access/domain/sign-in-proof.ts'
import { askToBreakGlass } from '#access/operations/ask-to-break-glass.ts'
import { breakGlass } from '#access/operations/break-glass.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { reviewGlass } from '#access/operations/review-glass.ts'
import { takeOffer } from '#access/operations/take-offer.ts'
import {
  aPerson,
  frozenClock,
  minute,
  noLocks,
  noon,
  rulesOf,
  rulesText,
  serviceIn,
  tierIn,
} from '../../builders.ts'

const rules = rulesOf(
  `${rulesText}\nbreak_glass: { who: [sre], tier: admin, for: 20m, need: 1, keys: { ana: ${'B'.repeat(43)} } }\n`,
)
const sre = aPerson({ subject: 'idp-sre', name: 'Sam Reed', groups: ['sre'] })
const owner = aPerson({ subject: 'idp-owner', name: 'Olu Ade', groups: ['team-payments'] })
const ask = { service: 'orders-svc', reason: 'everything burns' }

describe('Breaking the glass with the bot', () => {
  const clock = frozenClock()
  let held: Map<string, Grant>
  let waits: Map<string, string>
  let happened: string[]
  let outboxTakes: boolean
  let proof: Partial<SignInProof> | undefined
  beforeEach(() => {
    clock.set(noon)
    held = new Map()
    waits = new Map()
    happened = []
    outboxTakes = true
    proof = {}
  })
  const heldOf = (grant: Grant): HeldGrant => ({ grant, statement: 's', verified: true })
  const parts = {
    rules,
    clock,
    ...noLocks,
    newNonce: () => `${'n'.repeat(30)}${held.size}`,
    live: {
      get: (id: string) => {
        const grant = held.get(id)
        return grant && heldOf(grant)
      },
      all: () => [...held.values()].map(heldOf),
      genuine: async () => true,
      epoch: () => 'e',
      confirmedUntil: () => Number.POSITIVE_INFINITY,
      catchUp: async () => undefined,
    },
    store: {
      give: async (grant: Grant) => {
        held.set(grant.id, grant)
        happened.push(grant.state)
        return { given: true, sequence: 1 }
      },
      end: async () => ({ ended: true, sequence: 1 }),
      endOf: async () => undefined,
    },
    reviews: {
      waiting: async (who: string) => waits.get(who),
      begin: async (who: string, id: string) => {
        if ((waits.get(who) ?? id) !== id) return false
        waits.set(who, id)
        return true
      },
      done: async (who: string, id: string) => waits.get(who) === id && waits.delete(who),
    },
    freshSignIns: {
      acr: 'phr',
      of: async (person: Person, scope: string): Promise<SignInProof | undefined> =>
        proof && {
          issuer: person.issuer,
          subject: person.subject,
          nonce: scope,
          acr: 'phr',
          at: clock.now() - minute,
          token: 'a.b.c',
          ...proof,
        },
    },
    announce: async (): Promise<void> => {
      if (!outboxTakes) throw new Error('no outbox')
      happened.push('announced')
    },
  }
  const asked = async (person = sre): Promise<Grant> => {
    const outcome = await askToBreakGlass(parts, person, ask)
    if ('refused' in outcome) throw new Error(outcome.refused.reason)
    return outcome.grant
  }

  test('is an offer first, told to everybody next, and access only then', async () => {
    const grant = await asked()
    expect(grant).toMatchObject({ state: 'offered', tier: 'admin', duration: 20 * minute })
    const outcome = await breakGlass(parts, sre, grant.id)
    expect(happened).toEqual(['offered', 'announced', 'active'])
    expect(outcome).toMatchObject({
      grant: { state: 'active', until: noon + 20 * minute, why: { kind: 'break-glass', signIn: 'a.b.c' } },
    })
  })

  test('is no access where the outbox does not take the announcement', async () => {
    const { id } = await asked()
    outboxTakes = false
    await expect(breakGlass(parts, sre, id)).rejects.toThrow('no outbox')
    expect(happened).toEqual(['offered'])
  })

  test.each<[string, Partial<SignInProof> | undefined]>([
    ['no sign-in', undefined],
    ['one of somebody else', { subject: 'idp-owner' }],
    ['one for another pass', { nonce: 'other' }],
    ['a weaker one', { acr: 'pwd' }],
    ['one that is too old', { at: noon - 2 * minute - 1 }],
    ['one to come', { at: noon + 1 }],
  ])('does not do with %s', async (_, other) => {
    const { id } = await asked()
    proof = other
    expect(await breakGlass(parts, sre, id)).toEqual({ refused: 'sign-in-needed' })
    expect(await takeOffer(parts, sre, id)).toEqual({ refused: 'sign-in-needed' })
    expect(happened).toEqual(['offered'])
  })

  test.each<[string, Person, object, string]>([
    ['whom the rules don’t name', owner, {}, 'break-glass-people'],
    ['who is locked out', { ...sre, active: false, locked: true }, {}, 'principal-locked'],
    ['without a reason', sre, { reason: ' ' }, 'reason-needed'],
    ['for longer', sre, { duration: 21 * minute }, 'duration-too-long'],
    ['for another service', sre, { service: 'other' }, 'service-unknown'],
    ['for no tier', sre, { tier: 'root' }, 'tier-unknown'],
  ])('is not for somebody %s', async (_, person, changes, reason) => {
    expect(await askToBreakGlass(parts, person, { ...ask, ...changes })).toMatchObject({
      refused: { reason },
    })
  })

  test('is refused with the way that is left where nobody can sign in', async () => {
    const without = { ...parts, freshSignIns: undefined }
    expect(await askToBreakGlass(without, sre, ask)).toEqual({ refused: { reason: 'break-glass-offline' } })
    const { id } = await asked()
    expect(await breakGlass(without, sre, id)).toEqual({ refused: 'break-glass-offline' })
  })

  test('is not done again, nor made longer, before somebody else has reviewed it', async () => {
    const [first, second] = [await asked(), await asked()]
    const broken = await breakGlass(parts, sre, first.id)
    expect(await breakGlass(parts, sre, second.id)).toEqual({ refused: 'review-needed' })
    expect(await askToBreakGlass(parts, sre, ask)).toEqual({ refused: { reason: 'review-needed' } })
    expect(await extendGrant(parts, sre, first.id)).toEqual({ refused: { reason: 'extension-spent' } })
    if ('refused' in broken) throw new Error(broken.refused)
    const { grant } = broken
    expect(await reviewGlass(parts, sre, grant)).toEqual({ refused: 'own-request' })
    const stranger = aPerson({ subject: 'idp-x', groups: ['sre'] })
    expect(await reviewGlass(parts, stranger, grant)).toEqual({ refused: 'not-approver' })
    expect(await reviewGlass(parts, owner, grant)).toEqual({ reviewed: grant })
    expect(await reviewGlass(parts, owner, grant)).toEqual({ refused: 'already-decided' })
    expect(await askToBreakGlass(parts, sre, ask)).toHaveProperty('grant')
  })

  test('counts in a proxy by its own rules, and only with a sign-in that it has verified', async () => {
    const outcome = await breakGlass(parts, sre, (await asked()).id)
    if ('refused' in outcome) throw new Error(outcome.refused)
    const { grant } = outcome
    const service = serviceIn(rules)
    const tier = tierIn(service, 'admin')
    const why = (of: Grant, who = sre) => whyBeyond(rules, service, tier, who, of, noon)
    expect(why(grant)).toBe('approvals')
    provenSignIn(grant)
    expect(why(grant)).toBeUndefined()
    expect(why(grant, owner)).toBe('people')
    expect(whyBeyond(rulesOf(), service, tier, sre, grant, noon)).toBe('people')
    for (const longer of [{ until: grant.until + 1 }, { extended: 1 }]) {
      const other = { ...grant, ...longer }
      provenSignIn(other)
      expect(why(other)).toBe('length')
    }
    expect(waits.get(principalKey(sre))).toBe(grant.id)
  })
})
