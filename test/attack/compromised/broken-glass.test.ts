import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Grant } from '#access/domain/grant.ts'
import { principalKey } from '#access/domain/principal.ts'
import { scopeHash } from '#access/domain/scope.ts'
import { type PersonName, people } from '#infra/sandbox/people.ts'
import { glassKey } from '../../builders/break-glass.ts'
import { ecKey, signedBy } from '../../builders/provider.ts'
import { ask, problemOf } from '../../builders/raw-client.ts'
import { startWhole, type Whole } from '../../builders/whole.ts'
import { minute, until } from '../../builders.ts'

// A bot was taken over, or its `issue` key was stolen. Whoever has it writes break-glass passes, for which nobody else is
// asked. Each has to carry the sign-in of its own person for this very pass, which only the identity provider signs, and
// proxies look at it: a key of the bot's alone opens nothing.

let it: Whole
const begun: { readonly nonce: string; readonly subject: string; readonly acr: string | undefined }[] = []
const glass = (): string =>
  `break_glass: { who: [payments], tier: admin, for: 20m, acr: phr, need: 2, keys: { alice: ${glassKey().x}, vault: ${glassKey().x} } }`
beforeAll(async () => {
  it = await startWhole(inject('redisUrl'), 200, (text) => `${text}\n${glass()}\n`, {
    begin: async ({ nonce, acr, person: { subject } }) => {
      begun.push({ nonce, subject, acr })
      return 'https://pagepass.access.test/.pagepass/sign-in'
    },
  })
})
afterAll(() => it?.stop())
afterEach(async () => {
  for (const { id, who } of await it.bot.live())
    await it.bot.command(who.subject === people.ana.subject ? people.ana : people.cho, `revoke ${id}`)
})

const decision = async (name: PersonName = 'ana'): Promise<string> => {
  const answer = await ask(it.proxy.port, it.request(name, 'GET', '/admin/x'))
  return answer.status === 200 ? 'let in' : String(problemOf(answer).reason)
}
const seconds = (): number => Math.floor(it.bot.clock.now() / 1_000)
/** The test's issuer: an ID token as the provider makes one after Ana has signed in. */
const idToken = (nonce: string, changes: object = {}, header: object = {}, key = it.signing): string => {
  const said = {
    iss: it.provider.issuer,
    aud: 'pagepass',
    sub: people.ana.subject,
    nonce,
    iat: seconds(),
    auth_time: seconds(),
    exp: seconds() + 300,
    acr: 'phr',
    ...changes,
  }
  return signedBy(key, said, { typ: 'JWT', ...header })
}
const offered = async (): Promise<Grant> => {
  expect(await it.bot.command(people.ana, 'break-glass orders-svc because it burns')).toContain(
    'direct message',
  )
  return (await it.bot.live()).find(({ state }) => state === 'offered') ?? expect.fail('nothing is offered')
}

test('Breaking the glass takes a sign-in for this very pass, which proxies then take', async () => {
  const offer = await offered()
  await it.bot.click(people.ana, 'take', offer)
  await until(
    () =>
      it.bot.saidTo(people.ana).some((text) => text.includes('To break the glass, sign in anew within 2m')),
    'Ana to be asked',
  )
  expect(begun.at(-1)).toEqual({ nonce: scopeHash(offer), subject: people.ana.subject, acr: 'phr' })
  expect(await decision()).toBe('grant-missing')
  for (const [token, refused] of [
    [idToken('another'), 'already-decided'],
    [idToken(scopeHash(offer), { sub: people.cho.subject }), 'not-yours'],
    [idToken(scopeHash(offer), { sub: 'idp-mallory' }), 'person-unknown'],
    [idToken(scopeHash(offer), { acr: 'pwd' }), 'sign-in-refused'],
    [idToken(scopeHash(offer), {}, {}, ecKey(String(it.signing.jwk.kid))), 'sign-in-refused'],
  ] as const)
    expect(await it.bot.signedIn(token)).toEqual({ refused })
  expect(await it.bot.signedIn(idToken(scopeHash(offer)))).toMatchObject({ grant: { state: 'active' } })
  await until(async () => (await decision()) === 'let in', 'Ana to be let in')
  expect(await decision('cho')).toBe('grant-missing')
  const [principal, waits] = [principalKey(offer.who), await it.redis.hgetall('{pagepass}:glass-reviews')]
  expect(waits[principal]).toBe(offer.id)
})

let count = 0
/** An active pass as somebody with the bot's key writes it. */
const forge = (
  sign: (scope: string, grant: Grant) => string | undefined,
  changes: Partial<Grant> = {},
  signedFor: Partial<Grant> = {},
): Promise<Grant> => {
  const now = it.bot.clock.now()
  const { issuer, subject, name } = it.person('ana')
  const why = { kind: 'break-glass', rule: 'break_glass', reason: 'it burns' } as const
  const grant: Grant = {
    id: `gbgb-0000-${String(count++).padStart(4, '0')}`,
    version: 1,
    environment: 'sandbox',
    state: 'active',
    step: 'taken',
    who: { issuer, subject, name },
    services: ['orders-svc'],
    tier: 'admin',
    from: now,
    until: now + 10 * minute,
    duration: 10 * minute,
    why,
    nonce: 'n'.repeat(32),
    rules: it.rules.hash,
    at: now,
    ...changes,
  }
  const signIn = sign(scopeHash({ ...grant, ...signedFor }), grant)
  const said = grant.why.kind === 'break-glass' ? grant.why : why
  return it.bot.give({ ...grant, why: { ...said, ...(signIn === undefined ? {} : { signIn }) } })
}
/** Whether Ana is let in once the proxy knows of all that was given. */
const decidedOnAll = async (): Promise<string> => {
  const { issuer, subject, name } = it.person('cho')
  await it.bot.give({ who: { issuer, subject, name } })
  const arrived = async () => (await ask(it.proxy.port, it.request('cho'))).status === 200
  await until(arrived, 'the last to arrive')
  let decided = ''
  await until(async () => {
    decided = await decision()
    return ['let in', 'grant-beyond-rules'].includes(decided)
  }, 'a decision')
  return decided
}

describe('A break-glass pass that a bot gives which was taken over', () => {
  test('is taken with its person’s own sign-in: what these tests forge is good when it is not forged', async () => {
    await forge((scope) => idToken(scope))
    expect(await decidedOnAll()).toBe('let in')
  })

  const [unlike, long] = [{ sub: people.cho.subject }, 125]
  const signIns: Readonly<Record<string, (scope: string) => string | undefined>> = {
    none: () => undefined,
    'of somebody else': (scope) => idToken(scope, unlike),
    'for another pass': () => idToken('another'),
    old: (scope) => idToken(scope, { auth_time: seconds() - long, iat: seconds() - long }),
    'of long ago in a new token': (scope) => idToken(scope, { auth_time: seconds() - long }),
    'still to come': (scope) => idToken(scope, { auth_time: seconds() + 90 }),
    'of no time': (scope) => idToken(scope, { auth_time: undefined }),
    weaker: (scope) => idToken(scope, { acr: 'pwd' }),
    'of no class': (scope) => idToken(scope, { acr: undefined }),
    'for another client': (scope) => idToken(scope, { aud: 'other' }),
    'of another provider': (scope) => idToken(scope, { iss: 'https://other.test' }),
    'by a key of the bot’s own': (scope) => idToken(scope, {}, {}, ecKey(String(it.signing.jwk.kid))),
    'an access token': (scope) => idToken(scope, {}, { typ: 'at+jwt' }),
    'signed by nobody': (scope) => `${idToken(scope).split('.').slice(0, 2).join('.')}.AAAA`,
  }
  const request = { kind: 'request', rule: 'break_glass', reason: 'it burns' } as const
  const scopes: Readonly<Record<string, Partial<Grant>>> = {
    'a lower tier': { tier: 'operate' },
    'another service': { services: ['payments-svc'] },
    'less time': { duration: 5 * minute },
    'another reason': { why: { kind: 'break-glass', rule: 'break_glass', reason: 'y' } },
    'asking, not breaking': { why: request },
    'another id': { id: 'gggg-gggg-gggg' },
  }

  test(`lets nobody in with a sign-in that is ${Object.keys(signIns).join(', ')}`, async () => {
    for (const sign of Object.values(signIns)) await forge(sign)
    expect(await decidedOnAll()).toBe('grant-beyond-rules')
  })

  test(`lets nobody in with a sign-in for ${Object.keys(scopes).join(', ')}`, async () => {
    for (const signedFor of Object.values(scopes)) await forge((scope) => idToken(scope), {}, signedFor)
    expect(await decidedOnAll()).toBe('grant-beyond-rules')
  })

  test('lets nobody in for longer than what was signed in for, nor later, nor by approvals', async () => {
    const now = it.bot.clock.now()
    await forge((scope) => idToken(scope), { until: now + 11 * minute })
    const then = Math.floor((now - 10 * minute) / 1_000)
    await forge((scope) => idToken(scope, { auth_time: then, iat: then, exp: then + 3_600 }))
    const { issuer, subject, name } = it.person('ben')
    await forge(() => undefined, {
      approvals: [{ issuer, subject, name, at: now, teams: ['sre'], signIn: idToken('n', { sub: subject }) }],
    })
    expect(await decidedOnAll()).toBe('grant-beyond-rules')
  })
})
