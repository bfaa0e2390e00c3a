import { namesService, type PageRule, type RuleSet, type Service } from '../../domain/rule-set.ts'
import { allOf, lengthText } from '../words.ts'
import { type Cells, cellsOf, fitsCell } from './cells.ts'
import type { ChangeKind, Found } from './change.ts'
import { type Compared, cameAndWent, meaningOf } from './compared.ts'
import { differencesOf, rememberedBy, type Side } from './first-match.ts'
import { services, type Words, who, words } from './sentence.ts'

/** What a page gives by itself, on this service and beside it (`observe on dash-svc`). Milliseconds. */
type Given = Pick<PageRule, 'give' | 'how' | 'for' | 'cap' | 'grace'> & { readonly also: readonly string[] }
/** What a page puts before those who approve instead. */
type Put = Pick<PageRule, 'give' | 'for'>
type Outcome = { readonly gives?: Given; readonly puts?: Put }

type PageSide = Side<PageRule, Outcome> & {
  readonly also: readonly (readonly string[])[]
  readonly ranks: readonly string[]
  readonly strict: readonly string[]
}

/** What people get by being paged. */
export const pagingChanges = ({ old: oldRules, now: nowRules, services: all }: Compared): Found[] => {
  const remember = rememberedBy<readonly Found[]>()
  return all.flatMap(({ old, now }) => {
    const [before, after] = [sideOf(oldRules, old), sideOf(nowRules, now)]
    const [was, is] = [keyOf(before), keyOf(after)]
    if (was === is) return []
    return remember(`${was} ${is}`, () => compare(before, after)).map((one) => ({
      ...one,
      service: now.name,
    }))
  })
}

const keyOf = ({ rules, also, ranks, strict }: PageSide): string =>
  JSON.stringify([meaningOf(rules), also, rules.length === 0 ? [] : [ranks, strict]])

const sideOf = (rules: RuleSet, service: Service): PageSide => {
  const also = service.onPage.map((rule) => besideOf(rules, rule))
  const strict = service.tiers.filter(({ approvals }) => approvals !== undefined).map(({ name }) => name)
  return {
    rules: service.onPage,
    also,
    strict,
    ranks: service.tiers.map(({ name }) => name),
    outcome: (rule) => {
      if (rule === undefined) return {}
      const { give, how, for: lasts, cap, grace } = rule
      if (strict.includes(give)) return { puts: { give, for: lasts } }
      return { gives: { give, how, for: lasts, cap, grace, also: also[service.onPage.indexOf(rule)] ?? [] } }
    },
  }
}

const besideOf = (rules: RuleSet, { also }: PageRule): string[] => [
  ...new Set(
    also.flatMap(({ services: list, tier }) =>
      [...rules.services.values()]
        .filter((service) => namesService(list, service))
        .map((service) => `${tier} on ${service.name}`)
        .sort(),
    ),
  ),
]

const compare = (old: PageSide, now: PageSide): Found[] => {
  const cells = cellsOf([...old.rules, ...now.rules])
  if (cells === undefined)
    return [
      {
        kind: 'changes',
        danger: 99,
        say: words`what a page on ${services} gives has changed under so many conditions that they can’t be told apart here`,
      },
    ]
  const differences = differencesOf(old, now, cells.all)
  // What is said alike is said once, whatever it was before.
  const alike = new Map<string, (typeof differences)[number]>()
  for (const found of differences) {
    const key = JSON.stringify([found.who, sayChange(found.old, found.now, '', now.ranks)])
    const same = alike.get(key)
    const cellsOfBoth = [...(same?.cells ?? []), ...found.cells].sort((a, b) => a - b)
    alike.set(key, { ...found, cells: cellsOfBoth })
  }
  const people = [...alike.values()].flatMap((found) =>
    cells
      .say(found.cells)
      .map((when) => ({ ...sayChange(found.old, found.now, when, now.ranks), who: found.who })),
  )
  const told = differences.filter(({ who: some }) => some.length === 1).flatMap((found) => found.cells)
  return [...people, ...ofOthers(old, now, cells, new Set(told))]
}

const howRank = { offer: 0, 'on acknowledge': 1, auto: 2 } as const
const givenText = {
  auto: 'by itself',
  'on acknowledge': 'once acknowledged',
  offer: 'as an offer',
} as const satisfies Readonly<Record<PageRule['how'], string>>

const sayChange = (old: Outcome, now: Outcome, when: string, ranks: readonly string[]): Found => {
  if (now.gives !== undefined)
    return old.gives === undefined
      ? {
          kind: 'gains',
          danger: now.gives.how === 'auto' ? 95 : 70,
          say: words`a page${[when]} on ${services} gives ${who} ${allOfGiven(now.gives)}`,
        }
      : sayOther(old.gives, now.gives, when, ranks)
  if (now.puts !== undefined)
    return {
      kind: old.gives === undefined ? 'changes' : 'loses',
      danger: 45,
      say: words`a page${[when]} on ${services} no longer gives ${who} anything by itself: ${now.puts.give} needs approval there`,
    }
  if (old.gives === undefined)
    return {
      kind: 'changes',
      say: words`a page${[when]} on ${services} no longer asks those who approve for ${old.puts?.give ?? ''} for ${who}`,
    }
  return {
    kind: 'loses',
    danger: 50,
    say: words`a page${[when]} on ${services} no longer gives ${who} ${old.gives.give}`,
  }
}

const allOfGiven = ({ give, how, for: lasts, cap, grace, also }: Given): Words => {
  const most = cap > lasts ? `, renewed up to ${lengthText(cap)}` : ''
  const after = grace > 0 ? `, and ${lengthText(grace)} after the incident` : ''
  const beside = also.length > 0 ? `, with ${allOf(also)}` : ''
  return [`${give} ${givenText[how]} for ${lengthText(lasts)}${most}${after}${beside}`]
}

/** What of it is otherwise: `operate by itself instead of once acknowledged, for 2h instead of 1h`. */
const sayOther = (old: Given, now: Given, when: string, ranks: readonly string[]): Found => {
  // A tier that is gone is neither lower nor higher.
  const isRanked = ({ give }: Given): boolean => ranks.includes(give)
  const parts: string[] = []
  const ups: number[] = []
  const put = (up: number, text: string): void => {
    parts.push(text)
    ups.push(up)
  }
  if (now.give !== old.give)
    put(isRanked(old) ? ranks.indexOf(now.give) - ranks.indexOf(old.give) : 0, `instead of ${old.give}`)
  if (now.how !== old.how)
    put(howRank[now.how] - howRank[old.how], `${givenText[now.how]} instead of ${givenText[old.how]}`)
  const access = ups.some((up) => up > 0) ? 'gains' : ups.some((up) => up < 0) ? 'loses' : undefined
  if (now.for !== old.for)
    put(now.for - old.for, `for ${lengthText(now.for)} instead of ${lengthText(old.for)}`)
  // Without a cap of its own, it goes with "for".
  if (now.cap !== old.cap && !(now.cap === now.for && old.cap === old.for))
    put(now.cap - old.cap, `renewed up to ${lengthText(now.cap)} instead of ${lengthText(old.cap)}`)
  if (now.grace !== old.grace) put(now.grace - old.grace, graceText(old.grace, now.grace))
  const { came, went } = cameAndWent(old.also, now.also)
  if (came.length > 0) put(1, `with ${allOf(came)}`)
  if (went.length > 0) put(-1, `without ${allOf(went)}`)
  if (parts.length === 0) put(0, `with ${allOf(now.also)}, in another order`)
  const terms: ChangeKind = ups.some((up) => up > 0)
    ? 'loosens'
    : ups.some((up) => up < 0)
      ? 'tightens'
      : 'changes'
  const given = parts[0]?.startsWith('instead of')
    ? [` ${parts[0]}`, ...parts.slice(1).map((part) => `, ${part}`)]
    : [` ${parts.join(', ')}`]
  return {
    kind: access ?? terms,
    danger: access === 'gains' && now.how === 'auto' ? 80 : 60,
    say: words`a page${[when]} on ${services} gives ${who} ${now.give}${[given.join('')]}`,
  }
}

const graceText = (old: number, now: number): string => {
  if (now === 0) return 'no longer after the incident'
  const before = old === 0 ? '' : ` instead of ${lengthText(old)}`
  return `until ${lengthText(now)} after the incident${before}`
}

/**
 * Whoever no rule names gets by a page what asking would have given them: of which tier, the first rule that fits says.
 * Where a page gives somebody something else, this follows.
 */
const ofOthers = (old: PageSide, now: PageSide, cells: Cells, told: ReadonlySet<number>): Found[] => {
  const groups = new Map<string, { old: Put | undefined; now: Put | undefined; places: number[] }>()
  for (const [place, cell] of cells.all.entries()) {
    const put = ({ rules }: PageSide): Put | undefined => {
      const rule = rules.find((one) => fitsCell(one, cell))
      return rule && { give: rule.give, for: rule.for }
    }
    const [before, after] = [put(old), put(now)]
    if (told.has(place) || JSON.stringify(before) === JSON.stringify(after)) continue
    const key = JSON.stringify([before ?? null, after ?? null])
    const same = groups.get(key) ?? { old: before, now: after, places: [] }
    same.places.push(place)
    groups.set(key, same)
  }
  return [...groups.values()].flatMap(({ old: before, now: after, places }) =>
    cells.say(places).map((when) => ({
      kind: 'changes' as const,
      danger: 10,
      say: words`a page${[when]} on ${services} asks ${putText(after)} for people whom no rule about pages names, instead of ${putText(before)}`,
    })),
  )
}

const putText = (put: Put | undefined): string =>
  put === undefined ? 'the lowest tier' : `${put.give} for ${lengthText(put.for)}`
