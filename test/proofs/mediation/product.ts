import { randomBytes, sign } from 'node:crypto'
import { readUnverified } from '#access/adapters/statements.ts'
import { bytesOfGlass, glassText } from '#access/domain/break-glass/pass.ts'
import { signedBytes } from '#access/domain/break-glass/signed-bytes.ts'
import { keepCompactly } from '#access/domain/compact-grant.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import { principalKey } from '#access/domain/principal.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { createView, type ViewEvent } from '#access/domain/view.ts'
import type { Exchange } from '#proxy/exchange.ts'
import { createIdentities } from '#proxy/identities.ts'
import { createDecide } from '#proxy/steps/decide.ts'
import { createIdentifyByToken } from '#proxy/steps/identify.ts'
import { privateKeyOf, publicTextOf } from './glass-keys.ts'
import type { Asked, Glass, Happened, Pass, Word } from './history.ts'
import type { Provider } from './provider.ts'
import { issuer } from './world.ts'

export type Answered =
  | { readonly allow: true; readonly by: string; readonly tier: string }
  | { readonly allow: false; readonly reason: string }

const header = Buffer.from('{"alg":"EdDSA"}').toString('base64url')

/**
 * A proxy's decision on a request, put together as the proxy does it: who asks, the view as its follower keeps it, the
 * decision, the proof of what was decided by. What Redis holds and which statements are signed is known here; signatures of
 * statements themselves are others' to test.
 */
export const createProduct = (ruleSets: readonly RuleSet[], provider: Provider) => {
  let now = 0
  let rules = ruleSets[0] as RuleSet
  let view = createView(keepCompactly)
  let decide = createDecide(rules, view)
  let identify = createIdentifyByToken(createIdentities(rules, () => now))
  const tokens = new Map<number, string>()
  const signed = new Set<string>()
  /** As Redis has them: by id. */
  const live = new Map<string, string>()
  const locked = new Set<string>()
  const glasses = new Map<number, string>()
  /** As Redis has it. */
  let word: Word | undefined
  let sequence = 0
  let hears = false
  /** What the follower checks beside the requests. */
  let checks: (() => void)[] = []

  const write = (body: object, genuine: boolean): string => {
    const payload = Buffer.from(JSON.stringify(body)).toString('base64url')
    const statement = `${header}.${payload}.${randomBytes(64).toString('base64url')}`
    if (genuine) signed.add(statement)
    return statement
  }

  const prove = (held: HeldGrant): boolean => {
    if (held.verified) return true
    if (signed.has(held.statement)) view.proved(held)
    else view.reject(held)
    return held.verified
  }

  const learn = (leaving: readonly (HeldGrant | undefined)[]): void => {
    for (const held of leaving) if (held !== undefined && signed.has(held.statement)) view.proved(held)
  }

  const apply = (event: ViewEvent): void => {
    const { gap, given, replaced, unproven, ended } = view.apply(event)
    if (gap) throw new Error('a gap that nobody made')
    checks.push(() => {
      learn([replaced, unproven])
      if (given !== undefined) prove(given)
      if (event.kind !== 'end') return
      if (signed.has(event.statement)) return view.proveEnd(event.end)
      learn([ended])
      view.disbelieveEnd(event.end.id)
    })
  }

  const settle = (): void => {
    const due = checks
    checks = []
    for (const check of due) check()
  }

  const resync = (): void => {
    settle()
    const next = view.resync(sequence)
    for (const statement of live.values()) {
      const grant = readUnverified('grant', statement)
      learn(next.unprovenOf(grant))
      next.load(grant, statement)
    }
    learn(next.unproven())
    next.loaded()
    next.commit()
    hearWord()
  }

  const hearWord = (): void => {
    if (word === undefined) return
    const except = word.except.map((one) => ({ ...one }))
    view.confirmations.put({ environment: rules.environment, at: word.at, except }, now, 'head')
  }

  const happen = {
    'signed in': ({ token }: Extract<Happened, { kind: 'signed in' }>): void =>
      void tokens.set(token.number, provider.tokenOf(token, now)),
    grant: ({ pass, genuine }: Extract<Happened, { kind: 'grant' }>): void => {
      const statement = write(grantOf(pass, rules.hash, now), genuine)
      sequence += 1
      live.set(pass.id, statement)
      if (hears) apply({ kind: 'grant', sequence, grant: readUnverified('grant', statement), statement })
    },
    replayed: (pass: Pass): void => {
      const statement = write(grantOf(pass, rules.hash, now), true)
      sequence += 1
      if (hears) apply({ kind: 'grant', sequence, grant: readUnverified('grant', statement), statement })
    },
    end: ({ id, version, genuine }: Extract<Happened, { kind: 'end' }>): void => {
      const body = {
        id,
        version,
        environment: rules.environment,
        state: 'ended',
        cause: 'revoked',
        at: now,
      } as const
      const statement = write(body, genuine)
      sequence += 1
      live.delete(id)
      if (hears) apply({ kind: 'end', sequence, end: readUnverified('end', statement), statement })
    },
    confirmed: (said: Word): void => {
      // Nobody who signs goes back to an older one.
      if (word === undefined || said.at > word.at) word = said
      if (hears) hearWord()
    },
    head: ({ at }: Extract<Happened, { kind: 'head' }>): void => view.headSeen(Math.min(at, now)),
    locked: (subject: string): void => {
      locked.add(subject)
      view.lock(principalKey({ issuer, subject }))
    },
    unlocked: (subject: string): void => {
      locked.delete(subject)
      view.unlock(principalKey({ issuer, subject }))
    },
    restarted: (world: number): void => {
      rules = ruleSets[world] as RuleSet
      view = createView(keepCompactly)
      decide = createDecide(rules, view)
      identify = createIdentifyByToken(createIdentities(rules, () => now))
      hears = false
      checks = []
      for (const subject of locked) view.lock(principalKey({ issuer, subject }))
    },
  }

  return {
    hear: (what: Happened, at: number): void => {
      now = at
      switch (what.kind) {
        case 'signed in':
          return happen['signed in'](what)
        case 'grant':
          return happen.grant(what)
        case 'replayed':
          return happen.replayed(what.pass)
        case 'end':
          return happen.end(what)
        case 'head':
          return happen.head(what)
        case 'confirmed':
          return happen.confirmed(what.word)
        case 'glass':
          return void glasses.set(what.glass.number, glassTextOf(what.glass))
        case 'locked':
        case 'unlocked':
          return happen[what.kind](what.subject)
        case 'restarted':
          return happen.restarted(what.world)
        case 'cut off':
          hears = false
          return
        case 'in step':
          hears = true
          return resync()
      }
    },
    /** What was still to be checked is, as when a moment has passed. */
    settle,
    ask: async ({ token, glass, service, method, path, now: at }: Asked): Promise<Answered> => {
      now = at
      const found = await identify(tokens.get(token) ?? '', now)
      if ('refused' in found) return { allow: false, reason: found.refused }
      const breakGlass = glass === undefined ? '' : (glasses.get(glass) ?? '')
      // What else an exchange holds, nothing decides by.
      const exchange = {
        identity: found.identity,
        service: rules.services.get(service),
        method,
        path,
        breakGlass,
        now,
      } as Exchange
      for (;;) {
        const decision = decide(exchange)
        if (!decision.allow) return { allow: false, reason: decision.reason }
        const { held, tier } = decision
        const isProven = held.verified
        if (!prove(held)) return { allow: false, reason: 'grant-unverified' }
        if (held.statement === breakGlass && breakGlass !== '')
          return { allow: true, by: `glass ${glass}`, tier: tier.name }
        if (isProven) {
          const { id, why } = held.grant
          return { allow: true, by: held.statement === '' ? why.rule : id, tier: tier.name }
        }
      }
    },
  }
}

const grantOf = (pass: Pass, rules: string, at: number): Grant => ({
  id: pass.id,
  version: pass.version,
  environment: pass.environment,
  state: pass.state,
  step: 'given',
  who: { issuer, subject: pass.subject, name: pass.subject },
  services: [...pass.services],
  tier: pass.tier,
  from: pass.from,
  until: pass.until,
  duration: Math.max(1, pass.until - pass.from),
  why:
    pass.page === undefined
      ? { kind: 'request', rule: 'any' }
      : {
          kind: 'page',
          rule: 'any',
          incident: { id: pass.page.incident, number: 1, title: 'x' },
          ...(pass.page.doubt === undefined ? {} : { doubt: pass.page.doubt }),
        },
  ...(pass.byHand ? { by: { issuer, subject: pass.subject, name: pass.subject } } : {}),
  approvals: pass.approvals.map(({ subject, teams }) => ({
    issuer,
    subject,
    name: subject,
    at,
    teams: [...teams],
  })),
  nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
  rules,
  at,
})

const glassTextOf = (glass: Glass): string => {
  const { environment, subject, services, tier, from, until, number, signers, forged } = glass
  const nonce = `${String(number).padStart(21, '0')}A`
  const bytes = bytesOfGlass({
    ...{ environment, who: { issuer, subject }, services: [...services].sort(), tier },
    ...{ from, until, because: 'x', nonce },
  })
  const signatures = signers.map((name, index) => {
    const over = forged && index === 0 ? Buffer.concat([bytes, bytes]) : bytes
    return {
      key: Buffer.from(publicTextOf(name), 'base64url'),
      signature: sign(null, signedBytes(over), privateKeyOf(name)),
    }
  })
  return glassText({ bytes, signatures })
}
