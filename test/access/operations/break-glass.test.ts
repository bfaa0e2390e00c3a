import { beforeEach, describe, expect, test } from 'vitest'
import { whyBeyond } from '#access/domain/decide-request.ts'
import { type Grant, signInsOf } from '#access/domain/grant.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { scopeHash } from '#access/domain/scope.ts'
import { readSignIn, type SignInVerdict, whyNoSignIn } from '#access/domain/sign-in.ts'
import { askToBreakGlass } from '#access/operations/ask-to-break-glass.ts'
import { breakGlass } from '#access/operations/break-glass.ts'
import { extendGrant } from '#access/operations/extend-grant.ts'
import { reviewGlass } from '#access/operations/review-glass.ts'
import { takeOffer } from '#access/operations/take-offer.ts'
import type { VerifySignIn } from '#access/ports.ts'
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
  `${rulesText}\nbreak_glass: { who: [sre], tier: admin, for: 20m, acr: phr, need: 1, keys: { ana: ${'B'.repeat(43)} } }\n`,
)
const sre = aPerson({ subject: 'idp-sre', name: 'Sam Reed', groups: ['sre'] })
const owner = aPerson({ subject: 'idp-owner', name: 'Olu Ade', groups: ['team-payments'] })
const ask = { service: 'orders-svc', reason: 'everything burns' }

describe('Breaking the glass with the bot', () => {
  const clock = frozenClock()
  let held: Map<string, Grant>
  let waits: Map<string, string>
  let reviewed: Set<string>
  let happened: string[]
  let outboxTakes: boolean
  let unavailable: boolean
  beforeEach(() => {
    clock.set(noon)
    held = new Map()
    waits = new Map()
    reviewed = new Set()
    happened = []
    outboxTakes = true
    unavailable = false
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
      reviewed: async (_: string, id: string) => reviewed.has(id),
      done: async ({ id, who }: Grant) => {
        const done = waits.get(principalKey(who)) === id && waits.delete(principalKey(who))
        if (done) reviewed.add(id)
        return done
      },
    },
    signIns: { begin: async () => 'https://pages.test' },
    verifySignIn: (async (token, demand) => {
      const refused = unavailable ? 'unavailable' : whyNoSignIn(token, demand)
      return refused === undefined ? { signedInAt: (readSignIn(token)?.auth_time ?? 0) * 1_000 } : { refused }
    }) satisfies VerifySignIn as (...of: Parameters<VerifySignIn>) => Promise<SignInVerdict>,
    announce: async (): Promise<void> => {
      if (!outboxTakes) throw new Error('no outbox')
      happened.push('announced')
    },
  }
  /** An ID token as the provider makes one a minute after they were asked; who looks at it here does not look at its signature. */
  const tokenFor = (grant: Grant, changes: object = {}): string => {
    const at = (noon - minute) / 1_000
    const claims = {
      iss: rules.identity.issuer,
      aud: rules.identity.client,
      sub: grant.who.subject,
      nonce: scopeHash(grant),
      iat: at,
      auth_time: at,
      exp: at + 300,
      acr: 'phr',
      ...changes,
    }
    return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`
  }
  const broken = async (grant: Grant): Promise<Grant> => {
    const outcome = await breakGlass(parts, sre, grant.id, tokenFor(grant))
    return 'grant' in outcome ? outcome.grant : expect.fail(JSON.stringify(outcome))
  }
  const asked = async (person = sre): Promise<Grant> => {
    const outcome = await askToBreakGlass(parts, person, ask)
    if ('refused' in outcome) throw new Error(outcome.refused.reason)
    return outcome.grant
  }

  test('is an offer first, told to everybody next, and access only then', async () => {
    const grant = await asked()
    expect(grant).toMatchObject({ state: 'offered', tier: 'admin', duration: 20 * minute })
    expect(await breakGlass(parts, sre, grant.id)).toEqual({
      signIn: { acr: 'phr', maxAge: 2 * minute, person: sre, grant: grant.id, nonce: scopeHash(grant) },
    })
    expect(happened).toEqual(['offered'])
    const taken = await broken(grant)
    expect(happened).toEqual(['offered', 'announced', 'active'])
    expect(taken).toMatchObject({ state: 'active', until: noon + 20 * minute })
    expect(taken.why).toMatchObject({ kind: 'break-glass', signIn: tokenFor(grant) })
  })

  test('is no access where the outbox does not take the announcement', async () => {
    const grant = await asked()
    outboxTakes = false
    await expect(breakGlass(parts, sre, grant.id, tokenFor(grant))).rejects.toThrow('no outbox')
    expect(happened).toEqual(['offered'])
  })

  const old = noon / 1_000 - 121
  test.each<[string, object]>([
    ['one of somebody else', { sub: 'idp-owner' }],
    ['one for another pass', { nonce: 'other' }],
    ['one for another client', { aud: 'other' }],
    ['one of another provider', { iss: 'https://other.test' }],
    ['a weaker one', { acr: 'pwd' }],
    ['one that is too old', { auth_time: old, iat: old }],
    ['one to come', { auth_time: noon / 1_000 + 31 }],
  ])('does not do with %s', async (_, other) => {
    const grant = await asked()
    expect(await breakGlass(parts, sre, grant.id, tokenFor(grant, other))).toEqual({
      refused: 'sign-in-refused',
    })
    expect(await takeOffer(parts, sre, grant.id)).toEqual({ refused: 'sign-in-needed' })
    expect(happened).toEqual(['offered'])
  })

  test('waits where nobody can say whether the sign-in holds', async () => {
    const grant = await asked()
    unavailable = true
    expect(await breakGlass(parts, sre, grant.id, tokenFor(grant))).toEqual({
      refused: 'identity-unavailable',
    })
    expect([happened, waits.size]).toEqual([['offered'], 0])
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
    const without = { ...parts, signIns: undefined }
    expect(await askToBreakGlass(without, sre, ask)).toEqual({ refused: { reason: 'break-glass-offline' } })
    const grant = await asked()
    expect(await breakGlass(without, sre, grant.id, tokenFor(grant))).toEqual({
      refused: 'break-glass-offline',
    })
  })

  test('is not done again, nor made longer, before somebody else has reviewed it', async () => {
    const [first, second] = [await asked(), await asked()]
    const grant = await broken(first)
    expect(await breakGlass(parts, sre, second.id, tokenFor(second))).toEqual({ refused: 'review-needed' })
    expect(await askToBreakGlass(parts, sre, ask)).toEqual({ refused: { reason: 'review-needed' } })
    expect(await extendGrant(parts, sre, first.id)).toEqual({ refused: { reason: 'extension-spent' } })
    expect(await reviewGlass(parts, sre, grant)).toEqual({ refused: 'own-request' })
    const stranger = aPerson({ subject: 'idp-x', groups: ['sre'] })
    expect(await reviewGlass(parts, stranger, grant)).toEqual({ refused: 'not-approver' })
    expect(await reviewGlass(parts, owner, grant)).toEqual({ reviewed: grant })
    expect(await reviewGlass(parts, owner, grant)).toEqual({ refused: 'already-decided' })
    expect(await askToBreakGlass(parts, sre, ask)).toHaveProperty('grant')
  })

  test('is not done again while a pass runs that nobody reviewed, though what waits was taken away', async () => {
    const [first, second] = [await asked(), await asked()]
    await broken(first)
    waits.clear()
    expect(await breakGlass(parts, sre, second.id, tokenFor(second))).toEqual({ refused: 'review-needed' })
    expect(await askToBreakGlass(parts, sre, ask)).toEqual({ refused: { reason: 'review-needed' } })
  })

  test('counts in a proxy by its own rules, and only with a sign-in that it has verified', async () => {
    const grant = await broken(await asked())
    const proven = new Set(signInsOf(grant))
    const service = serviceIn(rules)
    const tier = tierIn(service, 'admin')
    const why = (of: Grant, who = sre) => whyBeyond(rules, service, tier, who, of, noon, proven)
    expect(whyBeyond(rules, service, tier, sre, grant, noon)).toBe('approvals')
    expect(why(grant)).toBeUndefined()
    expect(why(grant, owner)).toBe('people')
    expect(whyBeyond(rulesOf(), service, tier, sre, grant, noon, proven)).toBe('people')
    for (const longer of [{ until: grant.until + 1 }, { extended: 1 }])
      expect(why({ ...grant, ...longer })).toBe('length')
    const shorter = { ...grant, duration: 5 * minute }
    expect(why(shorter)).toBe('length')
    expect(why({ ...shorter, until: grant.from + 5 * minute })).toBe('approvals')
    const later = { from: grant.from + minute + 1, until: grant.until + minute + 1 }
    expect(why({ ...grant, ...later })).toBe('approvals')
    expect(waits.get(principalKey(sre))).toBe(grant.id)
  })
})
