import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AccessDecision, decideAsk, decidePage } from '#access/domain/decide-access.ts'
import { decideRequest } from '#access/domain/decide-request.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { parseRuleSet } from '#access/rules/parse-rule-set.ts'
import { warningsOf } from '#access/rules/warn.ts'
import {
  aGrant,
  aPerson,
  hour,
  noon,
  pageWhy,
  parsedOf,
  provenOf,
  rulesOf,
  rulesText,
  serviceIn,
} from '../../builders.ts'
import { productAnswer } from '../../proofs/rules/compare.ts'
import type { AskQuestion, PageQuestion, RequestQuestion } from '../../proofs/rules/interpreter.ts'
import { isMoment } from '../../proofs/rules/measures.ts'
import { type Random, randomOf } from '../../proofs/rules/random.ts'
import {
  type Aims,
  aimsOf,
  randomAsk,
  randomPage,
  randomRequest,
} from '../../proofs/rules/random-questions.ts'
import { randomRuleSet } from '../../proofs/rules/random-rule-set.ts'
import type { SaidFile, SaidTier } from '../../proofs/rules/said.ts'
import { tryRuleSet } from '../../proofs/rules/trial.ts'
import { yamlOf } from '../../proofs/rules/yaml-of.ts'

const seed = fc.integer({ min: 0, max: 2 ** 30 })

test('The compiled rule set says what a naive reader of its file says', () => {
  fc.assert(
    fc.property(seed, (one) => {
      const { invalid, disagreements } = tryRuleSet(one, 0, 80)
      expect(invalid).toEqual([])
      expect(disagreements).toEqual([])
    }),
    { numRuns: 50 },
  )
}, 60_000)

const rulesIn = (file: SaidFile): RuleSet | undefined => {
  const parsed = parseRuleSet(yamlOf(file))
  return parsed.ok ? parsed.rules : undefined
}

/** A list without one of its members. */
const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, index) => index !== at)

type Removal = (random: Random, file: SaidFile) => SaidFile | undefined

const fromSection =
  (section: 'on_page' | 'on_request' | 'standing'): Removal =>
  (random, file) => {
    const rules: readonly object[] = file[section] ?? []
    return rules.length === 0 ? undefined : { ...file, [section]: without(rules, random.below(rules.length)) }
  }

const withoutPattern = (random: Random, tier: SaidTier): SaidTier => {
  const patterns = Array.isArray(tier) ? tier : (tier.allow ?? [])
  const left = without(patterns, random.below(patterns.length))
  return Array.isArray(tier) ? left : { ...tier, allow: left }
}

const removals: Readonly<Record<string, Removal>> = {
  'an on_page rule': fromSection('on_page'),
  'an on_request rule': fromSection('on_request'),
  'a standing rule': fromSection('standing'),
  'a pattern of a service': (random, file) => {
    const [name, service] = random.pick(Object.entries(file.services))
    const own = Object.entries(service.tiers ?? {})
    if (own.length === 0) return undefined
    const [tier, said] = random.pick(own)
    const tiers = { ...service.tiers, [tier]: withoutPattern(random, said) }
    return { ...file, services: { ...file.services, [name]: { ...service, tiers } } }
  },
  'a group of a set of people': (random, file) => {
    const [name, { groups = [], ...set }] = random.pick(Object.entries(file.people))
    if (groups.length === 0) return undefined
    const people = { ...set, groups: without(groups, random.below(groups.length)) }
    return { ...file, people: { ...file.people, [name]: people } }
  },
}

/** Half of somebody's groups and roles. */
const lessOf = <
  T extends { readonly groups: readonly string[]; readonly roles?: readonly string[] | undefined },
>(
  random: Random,
  who: T,
): T => ({ ...who, groups: without(who.groups, random.below(2)), roles: random.chance(0.5) ? [] : who.roles })

const asksAnswer = (rules: RuleSet, question: AskQuestion): AccessDecision =>
  decideAsk(rules, question.person, question.ask, question.now, question.usualTier)
const pageAnswer = (
  rules: RuleSet,
  { incident, service, person, paged, now }: PageQuestion,
): AccessDecision => decidePage(rules, incident, serviceIn(rules, service), person, paged, now)

/** A random request; as often as not under a short pass that runs, where only the rules can say no. */
const anyRequest = (random: Random, aims: Aims): RequestQuestion => {
  const question = randomRequest(random, aims)
  const { now, who, service } = question
  if (!isMoment(now) || random.chance(0.4)) return question
  const asked = random.chance(0.7)
  const pass = aGrant({
    environment: 'test',
    who: { issuer: who.issuer, subject: who.subject, name: 'Somebody' },
    services: [service],
    tier: random.pick(aims.tiers),
    from: now,
    until: now + 1_000,
    ...(asked ? {} : { why: pageWhy() }),
  })
  return { ...question, passes: [pass], view: { ready: true, age: random.pick([0, 15_000, 25_000]) } }
}

/** The rules that are gone, where some are. */
const removedFrom = (file: SaidFile, less: SaidFile): Partial<SaidFile> => {
  const pages = (file.on_page ?? []).filter((rule) => less.on_page?.includes(rule) === false)
  const requests = (file.on_request ?? []).filter((rule) => less.on_request?.includes(rule) === false)
  return {
    ...(pages.length > 0 ? { on_page: pages } : {}),
    ...(requests.length > 0 ? { on_request: requests } : {}),
  }
}

/** A random page; as often as not beyond doubt, where only the rules can say no. */
const anyPage = (random: Random, aims: Aims): PageQuestion => {
  const question = randomPage(random, aims)
  // At no time nobody could ask for as much; the last test here is about that.
  if (!isMoment(question.now) || !isMoment(question.paged.at)) return anyPage(random, aims)
  const [trusted] = aims.file.services[question.service]?.trusted_triggers ?? []
  if (trusted === undefined || random.chance(0.3)) return question
  const trigger = { kind: 'integration' as const, id: trusted }
  return {
    ...question,
    person: { ...question.person, active: true },
    incident: { ...question.incident, trigger, shapedBy: [] },
    now: question.paged.at,
  }
}

const isAllowed = (rules: RuleSet, question: RequestQuestion): boolean =>
  productAnswer(rules, { kind: 'request', question })['allow'] === true

/** Lines of a rule set, of rules that are stricter than a later one. */
const stricterLines = (text: string): number[] => {
  return warningsOf(parsedOf(text), noon)
    .filter(({ kind }) => kind === 'stricter-first')
    .map(({ line }) => line)
}

/** The same file without the rules that are stricter than a later one: nothing is left to be warned of. */
const unwarned = (file: SaidFile): SaidFile => {
  const text = yamlOf(file)
  const lines = text.split('\n')
  const strict = stricterLines(text)
  if (strict.length === 0) return file
  const left = <T>(section: string, rules: readonly T[] = []): T[] =>
    rules.filter((_, index) => !strict.includes(lines.indexOf(`${section}:`) + index + 2))
  return unwarned({
    ...file,
    on_page: left('on_page', file.on_page),
    on_request: left('on_request', file.on_request),
  })
}

/** The same file with one class of sign-in: of two, neither is the stronger. */
const withOneClass = (file: SaidFile): SaidFile =>
  JSON.parse(JSON.stringify(file).replaceAll('"acr":"pwd"', '"acr":"mfa"')) as SaidFile

const calm = (file: SaidFile): SaidFile => unwarned(withOneClass(file))

/** Random rule sets, each with something removed; how many removals there were. */
const eachRemoval = (
  change: (file: SaidFile) => SaidFile,
  kinds: readonly string[],
  check: (random: Random, before: RuleSet, after: RuleSet, file: SaidFile, less: SaidFile) => void,
  numRuns = 80,
): void => {
  const removed = new Map(kinds.map((kind) => [kind, 0]))
  fc.assert(
    fc.property(seed, fc.constantFrom(...kinds), (one, kind) => {
      const random = randomOf(one, 0)
      const file = change(randomRuleSet(random).file)
      const less = removals[kind]?.(random, file)
      const before = rulesIn(file)
      const after = less === undefined ? undefined : rulesIn(less)
      // What a fault follows from is not removed alone.
      if (before === undefined || after === undefined || less === undefined) return
      removed.set(kind, (removed.get(kind) ?? 0) + 1)
      check(random, before, after, file, less)
    }),
    { numRuns },
  )
  for (const [kind, times] of removed) expect(times, kind).toBeGreaterThan(3)
}

/** What a person has to do, or others, until it is access. */
const states = ['pending', 'offered', 'active']
const rankOf = (decision: AccessDecision): number =>
  decision.give ? states.indexOf(decision.proposal.state) : -1

/**
 * Whether a page gives no more than before: no tier, time or state that it did not give, or nothing but what the person
 * would get by asking or others would have to approve.
 */
const isNoMore = (
  after: AccessDecision,
  before: AccessDecision,
  rules: RuleSet,
  asked: PageQuestion,
): boolean => {
  if (!after.give || after.proposal.state === 'pending') return true
  const { tier, duration, service } = after.proposal
  const rank = (name: string): number => service.tiers.findIndex((one) => one.name === name)
  const isLess =
    before.give &&
    rankOf(after) <= rankOf(before) &&
    rank(tier) <= rank(before.proposal.tier) &&
    duration <= before.proposal.duration
  if (isLess) return true
  const ask = { service: service.name, tier, duration, reason: 'CHG-10' }
  return after.proposal.state === 'offered' && rankOf(decideAsk(rules, asked.person, ask, asked.now)) === 2
}

describe('Removing never allows more', () => {
  test('of the same passes, whatever page rule or standing rule goes', () => {
    eachRemoval(
      (file) => file,
      ['an on_page rule', 'a standing rule'],
      (random, before, after, file) => {
        const aims = aimsOf(file)
        for (let left = 50; left > 0; left -= 1) {
          const question = anyRequest(random, aims)
          if (isAllowed(after, question)) expect(isAllowed(before, question)).toBe(true)
        }
      },
    )
  }, 60_000)

  test('of the same passes, or to whoever asks or is paged, where no rule is stricter than a later one, whatever goes', () => {
    const seen = new Set<string>()
    eachRemoval(
      calm,
      Object.keys(removals),
      (random, before, after, file, less) => {
        const all = aimsOf(file)
        const aims = { ...all, file: { ...file, ...removedFrom(file, less) } }
        for (let left = 50; left > 0; left -= 1) {
          const question = anyRequest(random, all)
          if (isAllowed(after, question)) expect(isAllowed(before, question)).toBe(true)
          const ask = randomAsk(random, aims)
          const answers = [asksAnswer(before, ask), asksAnswer(after, ask)] as const
          expect(rankOf(answers[1])).toBeLessThanOrEqual(rankOf(answers[0]))
          const page = anyPage(random, aims)
          const paged = [pageAnswer(before, page), pageAnswer(after, page)] as const
          expect(isNoMore(paged[1], paged[0], after, page)).toBe(true)
          if (rankOf(answers[1]) < rankOf(answers[0])) seen.add('less for asking')
          if (rankOf(paged[1]) < rankOf(paged[0])) seen.add('less for a page')
        }
      },
      300,
    )
    expect([...seen].sort()).toEqual(['less for a page', 'less for asking'])
  }, 60_000)

  test('to whoever is in fewer groups, where no rule is stricter than a later one', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(seed, (one) => {
        const random = randomOf(one, 0)
        const file = calm(randomRuleSet(random).file)
        const rules = rulesIn(file)
        if (rules === undefined) return
        const aims = aimsOf(file)
        for (let left = 40; left > 0; left -= 1) {
          const request = anyRequest(random, aims)
          const allowed = isAllowed(rules, { ...request, who: lessOf(random, request.who) })
          if (allowed) expect(isAllowed(rules, request)).toBe(true)
          else if (isAllowed(rules, request)) seen.add('request')
          const ask = randomAsk(random, aims)
          const less = asksAnswer(rules, { ...ask, person: lessOf(random, ask.person) })
          expect(rankOf(less)).toBeLessThanOrEqual(rankOf(asksAnswer(rules, ask)))
          if (rankOf(less) < rankOf(asksAnswer(rules, ask))) seen.add('ask')
          const page = anyPage(random, aims)
          const before = pageAnswer(rules, page)
          const person = lessOf(random, page.person)
          const after = pageAnswer(rules, { ...page, person })
          expect(isNoMore(after, before, rules, { ...page, person })).toBe(true)
          if (rankOf(after) < rankOf(before)) seen.add('page')
        }
      }),
      { numRuns: 60 },
    )
    expect([...seen].sort()).toEqual(['ask', 'page', 'request'])
  }, 60_000)
})

describe('A rule that gives less hides those behind it, so that removing it does allow more', () => {
  const service = { service: 'orders-svc', tier: 'operate', reason: 'stuck' }
  const sre = aPerson({ subject: 'idp-ben', groups: ['sre'] })
  const approvals = '{ count: 1, from: [sre] }'
  const withRequests = (...rules: string[]): RuleSet =>
    rulesOf(
      rulesText
        .replace(
          'pagerduty: [PPAYMTS]',
          `tiers: { operate: { approvals: ${approvals} } }\n    pagerduty: [PPAYMTS]`,
        )
        .replace(/on_request:[\s\S]*$/, `on_request:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`),
    )

  const strict = '{ who: [sre], tiers: [operate], how: approval }'
  const free = '{ who: [sre], tiers: [operate], how: at once }'

  test('an approval before an at once, for whoever asks and for a pass they hold', () => {
    expect(decideAsk(withRequests(strict, free), sre, service, noon)).toMatchObject({ give: false })
    expect(decideAsk(withRequests(free), sre, service, noon)).toMatchObject({ give: true })
    const held = {
      grant: aGrant({ who: sre, why: { kind: 'request', rule: 'x' } }),
      statement: 's',
      verified: true,
    }
    const view = {
      ready: () => true,
      age: () => 0,
      heldBy: () => ({ grants: [held] }),
      isLocked: () => false,
      confirmedUntil: () => Number.POSITIVE_INFINITY,
    }
    const allows = (rules: RuleSet): boolean =>
      decideRequest(
        rules,
        view,
        { who: provenOf(sre), service: serviceIn(rules), method: 'GET', path: '/x' },
        noon,
      ).allow
    expect(allows(withRequests(strict, free))).toBe(false)
    expect(allows(withRequests(free))).toBe(true)
  })
})

describe('Nothing is allowed by what nobody knows', () => {
  const rules = rulesOf()
  const strange = fc.oneof(
    fc.string(),
    fc.constantFrom('__proto__', 'constructor', 'toString', '*', 'label:tier-1'),
  )
  const noMoment = fc.constantFrom(
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -1,
    -hour,
    9e15,
  )

  /** Something that the rules allow, with one thing of it that nobody knows. */
  const isAllowedWith = (
    changes: {
      readonly grant?: object
      readonly who?: object
      readonly method?: string
      readonly now?: number
      readonly age?: number
      readonly ready?: boolean
    } = {},
  ): boolean => {
    // A state or a step that the types don't know is what is asked for here.
    const grant = { ...aGrant(), ...changes.grant } as ReturnType<typeof aGrant>
    const who = { ...provenOf(aPerson()), ...changes.who }
    const held = { grant, statement: 's', verified: true }
    return decideRequest(
      rules,
      {
        ready: () => changes.ready ?? true,
        age: () => changes.age ?? 0,
        heldBy: () => ({ grants: [held] }),
        isLocked: () => false,
        confirmedUntil: () => Number.POSITIVE_INFINITY,
      },
      { who, service: serviceIn(rules), method: changes.method ?? 'GET', path: '/v1/orders' },
      changes.now ?? noon,
    ).allow
  }

  test('while the known is', () => {
    expect(isAllowedWith()).toBe(true)
  })

  test.each<[string, fc.Arbitrary<Parameters<typeof isAllowedWith>[0]>]>([
    ['a tier', strange.map((tier) => ({ grant: { tier } }))],
    ['an environment', strange.map((environment) => ({ grant: { environment } }))],
    ['a state', strange.map((state) => ({ grant: { state } }))],
    ['an issuer', strange.map((issuer) => ({ who: { issuer } }))],
    ['a method', strange.map((method) => ({ method }))],
    ['a group', strange.map((group) => ({ who: { groups: [group] } }))],
    ['a time', noMoment.map((now) => ({ now }))],
    ['a time of a pass', noMoment.map((at) => ({ grant: { from: at, until: at }, now: at }))],
    ['a beginning', fc.constant({ grant: { from: Number.NaN } })],
    ['an end', fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY).map((until) => ({ grant: { until } }))],
    [
      'an age of what is known',
      fc.constantFrom(Number.NaN, 1e15, Number.POSITIVE_INFINITY).map((age) => ({ age })),
    ],
    ['a view', fc.constant({ ready: false })],
    ['nobody’s claims', fc.constant({ who: { groups: [], roles: [] } })],
  ])('%s', (_, changes) => {
    fc.assert(
      fc.property(changes, (one) => {
        expect(isAllowedWith(one)).toBe(false)
      }),
    )
  })

  test('a service, a tier, a time or a duration that is asked for', () => {
    const ask = { service: 'orders-svc', tier: 'observe', reason: 'x' }
    expect(decideAsk(rules, aPerson(), ask, noon).give).toBe(true)
    const asked = (changes: object, now = noon): boolean =>
      decideAsk(rules, aPerson(), { ...ask, ...changes }, now).give
    fc.assert(
      fc.property(strange, noMoment, (name, at) => {
        expect(asked({ service: name })).toBe(false)
        expect(asked({ tier: name })).toBe(false)
        expect(asked({ duration: at === 9e15 ? -0 : at })).toBe(false)
        expect(asked({ from: at })).toBe(false)
        expect(asked({}, at)).toBe(false)
      }),
    )
  })

  test('whatever the rules: no random rule set allows at no time, gives at no time, or activates by a page then', () => {
    fc.assert(
      fc.property(seed, noMoment, (one, now) => {
        const random = randomOf(one, 0)
        const { file, text } = randomRuleSet(random)
        const made = rulesOf(text)
        const aims = aimsOf(file)
        for (let left = 30; left > 0; left -= 1) {
          expect(isMoment(now)).toBe(false)
          expect(isAllowed(made, { ...randomRequest(random, aims), now })).toBe(false)
          expect(asksAnswer(made, { ...randomAsk(random, aims), now }).give).toBe(false)
          const page = randomPage(random, aims)
          expect(rankOf(pageAnswer(made, { ...page, now }))).toBeLessThan(2)
          expect(rankOf(pageAnswer(made, { ...page, paged: { ...page.paged, at: now } }))).toBeLessThan(2)
        }
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})
