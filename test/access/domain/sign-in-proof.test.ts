import { describe, expect, test } from 'vitest'
import { isFreshFor, isSignInProven, provenSignIn, type SignInProof } from '#access/domain/sign-in-proof.ts'
import { aGrant, aPerson, minute, noon } from '../../builders.ts'

const ana = aPerson()
const proof: SignInProof = {
  issuer: ana.issuer,
  subject: ana.subject,
  nonce: 'scope',
  acr: 'phr',
  at: noon,
  token: 'a.b.c',
}

describe('A fresh sign-in', () => {
  test.each<
    [string, Partial<SignInProof>, { scope?: string; acr?: string | undefined; now?: number }, boolean]
  >([
    ['of this person, for this, as strong', {}, {}, true],
    ['however strong, where that does not matter', {}, { acr: undefined }, true],
    ['two minutes old', {}, { now: noon + 2 * minute }, true],
    ['older', {}, { now: noon + 2 * minute + 1 }, false],
    ['of the future', {}, { now: noon - 1 }, false],
    ['of somebody else', { subject: 'idp-eve' }, {}, false],
    ['at another provider', { issuer: 'https://evil.example' }, {}, false],
    ['for something else', {}, { scope: 'other' }, false],
    ['less strong', { acr: 'pwd' }, {}, false],
    ['that does not say how strong', { acr: undefined }, {}, false],
  ])('does or does not: %s', (_, changes, { scope = 'scope', now = noon, ...asked }, fresh) => {
    const acr = 'acr' in asked ? asked.acr : 'phr'
    expect(isFreshFor({ ...proof, ...changes }, ana, scope, acr, now)).toBe(fresh)
  })

  test('that travels in a grant counts for nothing before this process has verified it', () => {
    const grant = aGrant()
    expect(isSignInProven(grant)).toBe(false)
    provenSignIn(grant)
    expect([isSignInProven(grant), isSignInProven({ ...grant })]).toEqual([true, false])
  })
})
