import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import { scopeHash } from '#access/domain/scope.ts'
import { people } from '#infra/sandbox/people.ts'
import { ecKey, signedBy, signedBySecret } from '../../builders/provider.ts'
import { ask, problemOf } from '../../builders/raw-client.ts'
import { startWhole, type Whole } from '../../builders/whole.ts'
import { minute, until } from '../../builders.ts'

// A bot was taken over, or Slack's signing secret was stolen. Whoever has it approves in the name of others: it writes into a
// grant whatever approvals it likes, with whatever tokens it finds. Where the rules demand that approvers sign in anew, the
// token of that sign-in is bound to this person and this very scope by the identity provider, and proxies look at it.

let it: Whole
const begun: { readonly nonce: string; readonly subject: string }[] = []
const terms = 'from: [sre], sign_in: { acr: phr, max_age: 5m }'
beforeAll(async () => {
  it = await startWhole(inject('redisUrl'), 153, (text) => text.replace('from: [sre]', terms), {
    begin: async ({ nonce, person: { subject } }) => {
      begun.push({ nonce, subject })
      return `https://pagepass.${'access.test'}/.pagepass/sign-in`
    },
  })
})
afterAll(() => it?.stop())
afterEach(async () => {
  for (const { id, state } of await it.bot.live())
    if (state !== 'offered') await it.bot.command(people.ana, `revoke ${id}`)
})

const path = '/admin/x'
const status = async (): Promise<string> => {
  const answer = await ask(it.proxy.port, it.request('ana', 'GET', path))
  return answer.status === 200 ? 'let in' : String(problemOf(answer).reason)
}
const seconds = (): number => Math.floor(it.bot.clock.now() / 1_000)
/** The test's issuer: an ID token as the provider makes one after Ben has signed in. */
const claimsFor = (nonce: string, changes: object = {}) => ({
  iss: it.provider.issuer,
  aud: 'pagepass',
  sub: people.ben.subject,
  nonce,
  iat: seconds(),
  auth_time: seconds(),
  exp: seconds() + 300,
  acr: 'phr',
  ...changes,
})
const idToken = (nonce: string, changes: object = {}, header: object = {}, key = it.signing): string =>
  signedBy(key, claimsFor(nonce, changes), { typ: 'JWT', ...header })

const askForAdmin = async (): Promise<Grant> => {
  expect(await it.bot.command(people.ana, 'grant orders-svc 30m admin')).not.toContain('You have a pass')
  return (await it.bot.live()).find(({ state }) => state === 'pending') ?? expect.fail('nothing waits')
}
const stateOf = async ({ id }: Grant): Promise<string | undefined> => (await it.bot.grant(id))?.state

describe('An approval', () => {
  test('by a click is asked to sign in anew, approves nothing before, and then gives a pass that the proxy takes', async () => {
    const pending = await askForAdmin()
    await it.bot.click(people.ben, 'approve', pending)
    await until(
      () => it.bot.saidTo(people.ben).some((text) => text.includes('sign in anew within 5m')),
      'Ben to be asked',
    )
    expect(await stateOf(pending)).toBe('pending')
    expect(begun.at(-1)).toEqual({ nonce: scopeHash(pending), subject: people.ben.subject })
    const outcome = await it.bot.signedIn(idToken(scopeHash(pending)))
    expect(outcome).toMatchObject({ grant: { state: 'active' } })
    await until(async () => (await status()) === 'let in', 'Ana to be let in')
  })

  test.each<[string, (nonce: string) => string]>([
    ['of somebody who may not', (nonce) => idToken(nonce, { sub: people.cho.subject })],
    ['of whoever asks', (nonce) => idToken(nonce, { sub: people.ana.subject })],
    ['of nobody known', (nonce) => idToken(nonce, { sub: 'idp-mallory' })],
    ['with a weaker sign-in', (nonce) => idToken(nonce, { acr: 'pwd' })],
    ['with an old sign-in', (nonce) => idToken(nonce, { auth_time: seconds() - 301 })],
    ['for another client', (nonce) => idToken(nonce, { aud: 'other' })],
    ['by another key', (nonce) => idToken(nonce, {}, {}, ecKey(String(it.signing.jwk.kid)))],
    ['by no key', (nonce) => `${header({ alg: 'none' })}.${body(nonce)}.`],
    ['by no key that says so', (nonce) => `${header({ alg: 'none' })}.${body(nonce)}.AAAA`],
    [
      'by the public key as a secret',
      (nonce) =>
        signedBySecret(
          Buffer.from(JSON.stringify(it.signing.jwk)),
          String(it.signing.jwk.kid),
          claimsFor(nonce),
        ),
    ],
    ['with an access token', (nonce) => idToken(nonce, {}, { typ: 'at+jwt' })],
    ['for another scope', () => idToken('another')],
  ])('%s gives nothing', async (_, make) => {
    const pending = await askForAdmin()
    expect(await it.bot.signedIn(make(scopeHash(pending)))).toHaveProperty('refused')
    expect(await stateOf(pending)).toBe('pending')
  })
})

const header = (words: object): string =>
  Buffer.from(JSON.stringify({ typ: 'JWT', ...words })).toString('base64url')
const body = (nonce: string): string => Buffer.from(JSON.stringify(claimsFor(nonce))).toString('base64url')

/** An active grant as a bot writes it that was taken over. */
const forge = async (
  sign: (scope: string, grant: Grant) => string | undefined,
  changes: Partial<Grant> = {},
  signedFor: Partial<Grant> = {},
  approvedAt = it.bot.clock.now(),
): Promise<Grant> => {
  const { issuer, subject, name } = it.person('ana')
  const now = it.bot.clock.now()
  count += 1
  const id = `ffff-ffff-${count.toString().padStart(4, '0')}`
  const grant: Grant = {
    id,
    version: 1,
    environment: 'sandbox',
    state: 'active',
    step: 'given',
    who: { issuer, subject, name },
    services: ['orders-svc'],
    tier: 'admin',
    from: now,
    until: now + 600_000,
    duration: 600_000,
    why: { kind: 'request', rule: 'on_request[2]', reason: 'x' },
    approvers: { from: ['sre'], count: 1 },
    nonce: 'n'.repeat(32),
    rules: it.rules.hash,
    at: now,
    ...changes,
  }
  const token = sign(scopeHash({ ...grant, ...signedFor }), grant)
  const { issuer: byIssuer, subject: bySubject, name: byName } = it.person('ben')
  const approval = { issuer: byIssuer, subject: bySubject, name: byName, at: approvedAt, teams: ['sre'] }
  return it.bot.give({
    ...grant,
    approvals: [{ ...approval, ...(token === undefined ? {} : { signIn: token }) }],
  })
}
let count = 0

describe('A pass that a bot gives which was taken over', () => {
  const decided = async (expected: string): Promise<void> =>
    until(async () => (await status()) === expected, `it to be ${expected}`)

  test('is taken with the approver’s own sign-in for this very scope: what these tests forge is good when it is not forged', async () => {
    await forge((scope) => idToken(scope))
    await decided('let in')
  })

  test('goes on, also in its next version, when the provider has taken back the key of a sign-in that was proven', async () => {
    const key = ecKey('sign-ins-only')
    it.provider.publish(it.signing.jwk, key.jwk)
    // Long enough for the proxy to ask for the keys anew.
    it.bot.clock.set(it.bot.clock.now() + 11 * minute)
    const lasts = { duration: 30 * minute, until: it.bot.clock.now() + 30 * minute }
    const grant = await forge((scope) => idToken(scope, {}, {}, key), lasts)
    await decided('let in')
    it.provider.publish(it.signing.jwk)
    it.bot.clock.set(it.bot.clock.now() + 11 * minute)
    const longer = {
      ...grant,
      version: 2,
      step: 'extended',
      until: grant.until + 10 * minute,
    } as const
    await it.bot.give(longer)
    await decided('let in')
    await it.bot.command(people.ana, `revoke ${grant.id}`)
    const late = await forge((scope) => idToken(scope, {}, {}, key))
    await decided('grant-beyond-rules')
    expect(late.state).toBe('active')
  })

  test.each<[string, (scope: string) => string | undefined]>([
    ['no sign-in', () => undefined],
    ['the sign-in of another approver', (scope) => idToken(scope, { sub: people.cho.subject })],
    ['the sign-in of whoever asks', (scope) => idToken(scope, { sub: people.ana.subject })],
    ['a sign-in for another scope', () => idToken('another')],
    ['an old sign-in', (scope) => idToken(scope, { auth_time: seconds() - 301, iat: seconds() - 301 })],
    ['a weaker sign-in', (scope) => idToken(scope, { acr: 'pwd' })],
    ['a sign-in for another client', (scope) => idToken(scope, { aud: 'other' })],
    [
      'a sign-in by a key of the bot’s own',
      (scope) => idToken(scope, {}, {}, ecKey(String(it.signing.jwk.kid))),
    ],
    ['an access token with that nonce', (scope) => idToken(scope, {}, { typ: 'at+jwt' })],
    ['nobody’s signature', (scope) => `${header({ alg: 'none' })}.${body(scope)}.AAAA`],
  ])('is refused with %s', async (_, sign) => {
    await forge(sign)
    await decided('grant-beyond-rules')
  })

  test.each<[string, Partial<Grant>]>([
    ['for longer', { duration: 300_000 }],
    ['for another service', { services: ['payments-svc'] }],
    ['for another reason', { why: { kind: 'request', rule: 'on_request[2]', reason: 'y' } }],
    ['of another id', { id: 'gggg-gggg-gggg' }],
  ])('is refused with a sign-in that was %s', async (_, signedFor) => {
    await forge((scope) => idToken(scope), {}, signedFor)
    await decided('grant-beyond-rules')
  })

  test('is refused where it begins long after it was approved, though the sign-in was fresh then', async () => {
    const before = it.bot.clock.now() - 3_600_000
    const then = Math.floor(before / 1_000)
    await forge((scope) => idToken(scope, { auth_time: then, iat: then, exp: then + 300 }), {}, {}, before)
    await decided('grant-beyond-rules')
  })
})
