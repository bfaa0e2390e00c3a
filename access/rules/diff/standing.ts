import { admittedBy } from '../../domain/decide-request.ts'
import type { Service, StandingRule } from '../../domain/rule-set.ts'
import { rateText } from '../words.ts'
import type { Found } from './change.ts'
import { type Compared, meaningOf, whatTiersAllow } from './compared.ts'
import { rememberedBy } from './first-match.ts'
import { type Sample, samplesOf } from './route-samples.ts'
import { agrees, services, tiers, type Words, who, words } from './sentence.ts'

type From = StandingRule['from']

/** What needs no pass. That requests need another tier than before is said of the tier. */
export const standingChanges = ({ services: all }: Compared): Found[] => {
  const remember = rememberedBy<readonly Found[]>()
  return all.flatMap(({ old, now }) => {
    const [was, is] = [keyOf(old), keyOf(now)]
    if (was === is) return []
    const found = remember([was, is, whatTiersAllow(now)].join(' '), () => compare(old.standing, now))
    return found.map((one) => ({ ...one, service: now.name }))
  })
}

const keyOf = ({ standing }: Service): string =>
  meaningOf(
    standing.map(({ from, tier, allow }) => [
      from,
      tier,
      allow && [allow.terms.rate, allow.terms.burst, ...allow.terms.patterns.map(({ text }) => text)],
    ]),
  )

const compare = (old: readonly StandingRule[], service: Service): Found[] => {
  const rules = [...old, ...service.standing]
  const own = rules.flatMap(({ allow }) => allow?.terms.patterns ?? [])
  const samples = samplesOf([...service.tiers.flatMap(({ patterns }) => patterns), ...own])
  const from = [...new Map(rules.map((rule) => [nameOf(rule.from), rule.from])).values()]
  const people = from.filter(({ kind }) => kind === 'people')
  const alone = from.flatMap((one) => compareFor([one], old, service, samples))
  if (alone.length > 0) return alone
  // Whoever is in two sets goes by the first rule for either; that shows only where nothing else does.
  return people.flatMap((one, index) =>
    people.slice(index + 1).flatMap((other) => compareFor([one, other], old, service, samples)),
  )
}

const nameOf = (from: From): string => {
  if (from.kind === 'on call') return `whoever is on call of ${from.service}`
  return from.kind === 'people' ? from.name : `workload ${from.name}`
}

/** What admits a request: a tier, or patterns of a rule's own with their rate. */
type Admitted = {
  readonly by: 'tier' | 'patterns'
  readonly text: string
  readonly rate: number
  readonly burst: number
}

const compareFor = (
  from: readonly From[],
  old: readonly StandingRule[],
  service: Service,
  samples: readonly Sample[],
): Found[] => {
  const names = from.map(nameOf)
  const [before, after] = [old, service.standing].map((rules) =>
    rules.filter((rule) => names.includes(nameOf(rule.from))),
  )
  const found = new Map<string, Found>()
  for (const { method, path } of samples) {
    const [was, is] = [before, after].map((rules = []) => firstOf(rules, service, method, path))
    const one = sayChange(was, is)
    if (one !== undefined) found.set(JSON.stringify([one.say, one.tier]), { ...one, who: names })
  }
  return [...found.values()]
}

const firstOf = (
  rules: readonly StandingRule[],
  service: Service,
  method: string,
  path: string,
): Admitted | undefined => {
  for (const rule of rules) {
    const admitted = admittedBy(rule, service, method, path)
    if (admitted === undefined) continue
    const { tier, pattern } = admitted
    return rule.allow === undefined
      ? { by: 'tier', text: tier.name, rate: tier.rate, burst: tier.burst }
      : { by: 'patterns', text: pattern.text, rate: tier.rate, burst: tier.burst }
  }
  return undefined
}

const sayChange = (old: Admitted | undefined, now: Admitted | undefined): Found | undefined => {
  const shown = now ?? old
  if (shown === undefined) return undefined
  const byTier = shown.by === 'tier'
  const what: Words = byTier ? [tiers] : [shown.text]
  const tier = byTier ? { tier: shown.text } : {}
  const has = agrees('who', 'has', 'have')
  const without = words`${what} on ${services} without a pass`
  if (now === undefined)
    return {
      kind: 'loses',
      danger: 60,
      say: words`${who} ${agrees('who', 'loses', 'lose')} ${without}`,
      ...tier,
    }
  const limit = byTier ? '' : limitText(now)
  if (old === undefined)
    return {
      kind: 'gains',
      danger: 92,
      say: words`${who} ${agrees('who', 'gains', 'gain')} ${without}${limit}`,
      ...tier,
    }
  if (old.by !== now.by) {
    const terms = byTier ? ', under the terms of the tier' : ', under terms of the rule’s own'
    return { kind: 'changes', danger: 20, say: words`${who} ${has} ${without}${terms}${limit}`, ...tier }
  }
  if (byTier || (old.rate === now.rate && old.burst === now.burst)) return undefined
  const isMore = now.rate > old.rate || (now.rate === old.rate && now.burst > old.burst)
  return {
    kind: isMore ? 'loosens' : 'tightens',
    danger: 25,
    say: words`${who} ${has} ${without}${limit} (it was${limitText(old).replace(',', '')})`,
  }
}

const limitText = ({ rate, burst }: Admitted): string => {
  if (rate === Number.POSITIVE_INFINITY) return ', at any rate'
  return `, at ${rateText(rate)}${burst === Math.max(1, rate) ? '' : ` and ${burst} at once`}`
}
