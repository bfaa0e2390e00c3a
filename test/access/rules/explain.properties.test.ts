import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decideAsk, decidePage } from '#access/domain/decide-access.ts'
import { decideRequest } from '#access/domain/decide-request.ts'
import { requestRuleFor } from '#access/domain/rule-set.ts'
import { createView } from '#access/domain/view.ts'
import { enoughReason } from '#access/rules/explain/ask-command.ts'
import { type Asker, asOneOf, supposedPerson } from '#access/rules/explain/asker.ts'
import { allHold, type Mend } from '#access/rules/explain/condition.ts'
import { type PageFacts, supposedIncident, usualPage } from '#access/rules/explain/supposed-page.ts'
import { type SupposedPass, supposedGrant } from '#access/rules/explain/supposed-pass.ts'
import { explainRequest, type Question } from '#access/rules/explain.ts'
import type { SoundRuleSet } from '#access/rules/parse-rule-set.ts'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import { hour, noon, nthId, rulesText, serviceIn } from '../../builders.ts'
import { raisedOwn } from '../../proofs/rules/rising.ts'

const sets = ['sre', 'payments', 'auditors', 'ops', 'owners'] as const
const who = fc.uniqueArray(fc.constantFrom(...sets), { minLength: 1, maxLength: 2 })
const tierName = fc.constantFrom('observe', 'operate', 'admin')
const services = fc.constantFrom(['*'], ['*'], ['orders-svc'], ['label:orders'], ['other-svc'])
const windows = fc.constantFrom(
  { days: 'mon-fri', hours: '08:00-20:00', zone: 'Europe/Berlin' },
  { days: 'sat, sun', hours: '22:00-06:00', zone: 'UTC' },
)
const approvals = fc.constantFrom(
  { count: 1, from: ['sre'] },
  { count: 2, from: ['sre', 'owners'], distinct: 'teams' },
)
const signIn = fc.constantFrom({ acr: 'mfa' }, { max_age: '2h' }, { acr: 'mfa', max_age: '2h' })
const perhaps = <Value, Key extends string>(key: Key, value: fc.Arbitrary<Value>) =>
  fc.option(value, { nil: undefined }).map((one) => (one === undefined ? {} : { [key]: one }))
/** An object of these fields, some of them left out. */
const fields = <First extends object>(
  first: fc.Arbitrary<First>,
  ...parts: fc.Arbitrary<object>[]
): fc.Arbitrary<First & object> =>
  fc.tuple(first, ...parts).map(([one, ...others]) => Object.assign({}, one, ...others) as First)

const ownTier = (patterns: string[]) =>
  fields(fc.constant({ allow: patterns }), perhaps('approvals', approvals), perhaps('sign_in', signIn))

const ruleSetText = fc
  .record({
    operate: ownTier(['POST /v1/*', 'PUT /flags/**']),
    adminTerms: perhaps('approvals', approvals),
    admin: fc.boolean(),
    page: fc.array(
      fields(
        fc.record({ services, who, give: tierName, how: fc.constantFrom('auto', 'on acknowledge', 'offer') }),
        fc.constant({ for: '1h' }),
        perhaps('urgency', fc.constantFrom('high', 'low')),
        perhaps('priority', fc.constant(['P1'])),
        perhaps('levels', fc.constantFrom(1, '1-2', '2-3')),
        perhaps('when', windows),
      ),
      { maxLength: 3 },
    ),
    request: fc.array(
      fields(
        fc.record({
          services,
          who,
          tiers: fc.uniqueArray(tierName, { minLength: 1 }),
          how: fc.constantFrom('at once', 'approval'),
        }),
        perhaps('when', windows),
      ),
      { maxLength: 3 },
    ),
    standing: fc.array(
      fields(
        fc.record({
          from: fc.constantFrom('auditors', 'ops', 'workload:checkout', 'on call of orders-svc'),
          to: services,
        }),
        fc.constantFrom<object>(
          { tier: 'observe' },
          { tier: 'operate' },
          { allow: ['POST /v1/*', 'GET /live'] },
        ),
      ),
      { maxLength: 2 },
    ),
    freeze: fc.array(
      fc.record({
        services,
        tiers: fc.constantFrom(['admin'], ['operate', 'admin'], ['admin', 'observe', 'operate']),
        from: fc.constantFrom('2026-01-10', '2026-01-15', '2026-01-17'),
        until: fc.constantFrom('2026-01-17', '2026-01-18'),
        because: fc.constant('the books are closed'),
      }),
      { maxLength: 2 },
    ),
    contractors: perhaps('until', fc.constantFrom('2026-01-14', '2026-01-16')),
    trusted: fc.constantFrom<string[]>([], ['PIDATADOG'], ['PIDATADOG']),
  })
  .map(({ operate, adminTerms, admin, page, request, standing, freeze, contractors, trusted }) => {
    const common = { releases: { blue: 'http://127.0.0.1:7076' }, serve: 'blue', channel: '#inc' }
    const observe = ['GET /**']
    const tiers = {
      observe: { longest: '8h', rate: '50/s', when_stale: '15m' },
      operate: { longest: '2h', rate: '10/s', when_stale: '2m', reason: 'required' as const },
      admin: { longest: '1h', rate: '5/s', when_stale: '30s', reason: 'ticket' as const, ...adminTerms },
    }
    // Most of what would contradict itself is not said.
    const strict = [
      ...('approvals' in adminTerms ? ['admin'] : []),
      ...('approvals' in operate ? ['operate'] : []),
    ]
    const free = (tier: string): boolean => tier !== 'admin' || !strict.includes('admin')
    const soundRequests = request.flatMap((rule) => {
      const tiers = rule.tiers.filter((tier) =>
        rule.how === 'approval' ? strict.includes(tier) : free(tier),
      )
      return tiers.length === 0 ? [] : [{ ...rule, tiers }]
    })
    return JSON.stringify({
      version: 1,
      environment: 'sandbox',
      domain: 'localhost',
      identity: { issuer: 'http://127.0.0.1:7074', audience: 'pagepass' },
      people: {
        sre: { groups: ['sre'] },
        payments: { groups: ['team-payments', 'team-pay'] },
        auditors: { roles: ['auditor'] },
        ops: { subjects: ['idp-olga'], ...contractors },
      },
      workloads: { checkout: { subjects: ['svc-checkout'] } },
      tiers,
      services: {
        'orders-svc': {
          ...common,
          owners: ['payments'],
          labels: ['orders'],
          trusted_triggers: trusted,
          tiers: raisedOwn(
            tiers,
            [{ observe, operate, ...(admin ? { admin: ['* /**'] } : {}) }],
            ['payments'],
          ),
        },
        'other-svc': { ...common, owners: ['sre'], tiers: { observe } },
      },
      on_page: page.filter(({ give }) => free(give)),
      on_request: soundRequests,
      standing: standing.filter((rule) => {
        if ('tier' in rule) return !strict.includes('operate')
        return rule.from.startsWith('workload:') || !('approvals' in operate || 'sign_in' in operate)
      }),
      freeze,
    })
  })
/** Some of what is drawn contradicts itself, and is no rule set. */
const read = (text: string): SoundRuleSet => {
  const one = parseRuleSet(text)
  fc.pre(one.ok)
  return one
}

const asker: fc.Arbitrary<Asker> = fc.record(
  {
    subject: fc.constantFrom('idp-ana', 'idp-olga', 'svc-checkout'),
    groups: fc.subarray(['sre', 'team-pay', 'others']),
    roles: fc.subarray(['auditor']),
    acr: fc.constantFrom('mfa', 'pwd'),
    signedInAt: fc.constantFrom(noon - hour, noon - 3 * hour),
    active: fc.constantFrom(true, true, true, false),
  },
  { requiredKeys: ['subject', 'groups'] },
)

const holds: fc.Arbitrary<SupposedPass[]> = fc.array(
  fc
    .record({
      tier: fc.constantFrom('observe', 'operate', 'admin', 'root'),
      kind: fc.constantFrom('request' as const, 'page' as const),
      from: fc.constantFrom(noon - hour, noon, noon + hour),
      lasts: fc.constantFrom(hour, 2 * hour, 9 * hour),
      approved: fc.boolean(),
    })
    .map(({ tier, kind, from, lasts, approved }) => ({
      tier,
      kind,
      from,
      until: from + lasts,
      ...(approved ? {} : { approvals: [] }),
    })),
  { maxLength: 2 },
)

const page: fc.Arbitrary<PageFacts> = fc.record(
  {
    urgency: fc.constantFrom('high' as const, 'low' as const),
    priority: fc.constantFrom('P1', 'P2'),
    level: fc.constantFrom(1, 3),
    trigger: fc.constantFrom('PIDATADOG', 'PIOTHER', 'self'),
    acknowledged: fc.boolean(),
  },
  { requiredKeys: ['urgency'] },
)

const question: fc.Arbitrary<Question> = fc.record(
  {
    who: asker,
    service: fc.constant('orders-svc'),
    method: fc.constantFrom('GET', 'POST', 'DELETE', 'WS'),
    path: fc.constantFrom('/v1/7', '/v1/7?x=1', '/flags/a/b', '/live'),
    now: fc.constantFrom(noon, noon + hour, noon + 12 * hour),
    holds,
    viewAge: fc.constantFrom(0, 0, 0, 60_000, 180_000),
    page,
  },
  { requiredKeys: ['who', 'service', 'method', 'path', 'now'] },
)
const runs = { numRuns: 60 }

test('What is explained is what the proxy, asking and a page would decide', () => {
  fc.assert(
    fc.property(ruleSetText, question, (text, asked) => {
      const parsed = read(text)
      const { rules } = parsed
      const service = serviceIn(rules)
      const person = supposedPerson(rules, asked.who)
      const { method, now } = asked
      const [path = ''] = asked.path.split('?')
      const { incident, paged } = supposedIncident(service, person, asked.page ?? usualPage(service), now)
      const byPage = decidePage(rules, incident, service, person, paged, now)
      const given: SupposedPass[] =
        asked.page !== undefined && byPage.give && byPage.proposal.state === 'active'
          ? [{ kind: 'page', ...byPage.proposal, from: now, until: now + byPage.proposal.duration }]
          : []
      const view = createView()
      const load = view.resync(0)
      for (const [index, pass] of [...((asked.holds ?? []) as SupposedPass[]), ...given].entries()) {
        const { tier, kind, from = now, until = now } = pass
        const approvals = 'approvals' in pass ? { approvals: [] } : {}
        const grant = supposedGrant(rules, person, service, { tier, kind, from, until, ...approvals }, now)
        load.load({ ...grant, id: nthId(index) }, `statement ${index}`)
      }
      load.commit()
      view.headSeen(now - (asked.viewAge ?? 0))
      view.confirmations.put({ environment: 'sandbox', at: now, except: [] }, now, 'head')
      const it = explainRequest(parsed, asked)
      const decision = decideRequest(rules, view, { who: person, service, method, path }, now)
      expect({ ...it.decision, held: undefined }).toEqual({ ...decision, held: undefined })
      expect('held' in it.decision ? it.decision.held?.grant.until : 0).toBe(
        'held' in decision ? decision.held?.grant.until : 0,
      )

      const needs = service.tiers[service.routes.find(method, path)?.rank ?? -1]
      expect(it.route?.tier).toBe(needs?.name)
      expect(it.asking?.decision).toEqual(
        needs === undefined
          ? undefined
          : decideAsk(rules, person, { service: 'orders-svc', tier: needs.name, reason: enoughReason }, now),
      )
      expect(it.paging?.decision).toEqual(byPage)
    }),
    runs,
  )
})

test('The conditions that are listed are those that decide', () => {
  fc.assert(
    fc.property(ruleSetText, question, (text, asked) => {
      const parsed = read(text)
      const it = explainRequest(parsed, asked)
      const byPass = allHold(it.conditions) && it.passes.some(({ conditions }) => allHold(conditions))
      const byStanding = it.rules.some(({ section, fits }) => section === 'standing' && fits)
      expect(byPass || byStanding).toBe(it.decision.allow)

      const { asking, paging } = it
      if (asking !== undefined) {
        expect(allHold(asking.conditions)).toBe(asking.decision.give)
        const person = supposedPerson(parsed.rules, asked.who)
        const rule = requestRuleFor(
          parsed.rules,
          serviceIn(parsed.rules),
          asking.tier ?? '',
          person,
          asked.now,
        )
        const decides = asking.rules.find((one) => one.decides)
        expect(decides && [decides.id, decides.where]).toEqual(rule && [rule.id, rule.where])
      }
      const given = paging?.decision.give === true && paging.decision.proposal.state === 'active'
      expect(allHold(paging?.conditions ?? [])).toBe(given)
    }),
    runs,
  )
})

/** What is asked once somebody did as a mend says; undefined where nobody but others could. */
const mended = (rules: Parameters<typeof asOneOf>[0], asked: Question, mend: Mend): Question | undefined => {
  const { holds: held = [], who: person, now } = asked
  switch (mend.kind) {
    case 'belong': {
      const {
        subject,
        groups,
        roles = [],
      } = asOneOf(rules, supposedPerson(rules, person), mend.sets[0] ?? '')
      return { ...asked, who: { ...person, subject, groups, roles } }
    }
    case 'ask':
      return { ...asked, holds: [...held, { tier: mend.tier, kind: 'request' }] }
    case 'page':
      return { ...asked, holds: [...held, { tier: mend.tier, kind: 'page' }] }
    case 'wait':
      return { ...asked, now: mend.until }
    case 'hear':
      return { ...asked, viewAge: 0 }
    case 'sign in':
      return { ...asked, who: { ...person, signedInAt: now, ...(mend.acr && { acr: mend.acr }) } }
    default:
      return undefined
  }
}

test('Whoever does as the mends say gets in', () => {
  const kinds = new Set<string>()
  const retry = { service: 'orders-svc', method: 'POST', path: '/v1/orders/7/retry', now: noon }
  const examples = [['team-payments'], []].map((groups): [string, Question] => [
    rulesText,
    { ...retry, who: { subject: 'idp-ana', groups } },
  ])
  fc.assert(
    fc.property(ruleSetText, question, (text, asked) => {
      const parsed = read(text)
      const first = explainRequest(parsed, asked)
      expect(first.decision.allow || first.mends.length > 0).toBe(true)
      for (const start of first.mends) {
        let next = mended(parsed.rules, asked, start)
        if (next === undefined || start.kind === 'hear') continue
        kinds.add(start.kind)
        const way: string[] = [start.say]
        for (let step = 0; step < 8; step += 1) {
          const it = explainRequest(parsed, next)
          if (it.decision.allow) break
          const [again] = it.mends.flatMap((mend) => mended(parsed.rules, next as Question, mend) ?? [])
          way.push(it.decision.reason, it.mends[0]?.say ?? 'nothing')
          if (again === undefined) break
          next = again
        }
        expect({ way, allow: explainRequest(parsed, next).decision.allow }).toMatchObject({ allow: true })
      }
    }),
    { ...runs, examples },
  )
  expect([...kinds]).toEqual(expect.arrayContaining(['ask', 'belong']))
})
