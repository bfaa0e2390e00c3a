import type { BreakGlass, RuleSet } from '../../domain/rule-set.ts'
import { allOf, lengthText } from '../words.ts'
import { type Found, loosening } from './change.ts'
import { cameAndWent } from './compared.ts'
import { type Words, words } from './sentence.ts'

/** What is said once for all services. */
export const wholeChanges = (old: RuleSet, now: RuleSet): Found[] => [
  ...identityChanges(old, now),
  ...tierChanges(old, now),
  ...breakGlassChanges(old, now),
  ...commandChanges(old, now),
  ...lockChanges(old, now),
  ...(old.zone === now.zone
    ? []
    : [
        {
          kind: 'changes' as const,
          danger: 4,
          say: words`when a pass is to begin is said by the clocks of ${now.zone} instead of ${old.zone}`,
        },
      ]),
  ...(old.paging.perDay === now.paging.perDay
    ? []
    : loosening(
        now.paging.perDay > old.paging.perDay,
        30,
        words`pages give one person ${String(now.paging.perDay)} passes by themselves in 24 hours instead of ${String(old.paging.perDay)}`,
      )),
  ...(old.drain === now.drain
    ? []
    : loosening(
        now.drain > old.drain,
        5,
        words`a replaced proxy keeps its open streams for ${lengthText(now.drain)} instead of ${lengthText(old.drain)}`,
      )),
]

const identityChanges = ({ identity: old }: RuleSet, { identity: now }: RuleSet): Found[] => [
  ...(old.issuer === now.issuer
    ? []
    : [
        {
          kind: 'gains' as const,
          danger: 99,
          say: words`who people are is told by ${now.issuer} instead of ${old.issuer}`,
        },
      ]),
  ...(old.audience === now.audience
    ? []
    : [
        {
          kind: 'gains' as const,
          danger: 98,
          say: words`tokens are taken that were made for ${now.audience} instead of ${old.audience}`,
        },
      ]),
  ...(old.client === now.client
    ? []
    : [
        {
          kind: 'gains' as const,
          danger: 90,
          say: words`sign-ins of approvers are taken that were made for ${now.client} instead of ${old.client}`,
        },
      ]),
  ...(old.sessionMax === now.sessionMax
    ? []
    : loosening(
        now.sessionMax > old.sessionMax,
        60,
        words`a stream lasts ${lengthText(now.sessionMax)} instead of ${lengthText(old.sessionMax)} at most on one sign-in`,
      )),
]

const tierNames = (rules: RuleSet): string[] => [
  ...new Set([...rules.services.values()].flatMap(({ tiers }) => tiers.map(({ name }) => name))),
]

const tierChanges = (oldRules: RuleSet, nowRules: RuleSet): Found[] => {
  const [old, now] = [tierNames(oldRules), tierNames(nowRules)]
  if (old.length === 0 || now.length === 0) return []
  const { came, went } = cameAndWent(old, now)
  const [was, is] = [old.filter((name) => now.includes(name)), now.filter((name) => old.includes(name))]
  const found: Found[] = [
    ...came.map((name): Found => ({ kind: 'changes', danger: 70, say: words`${name} is a new tier` })),
    ...went.map((name): Found => ({ kind: 'loses', danger: 80, say: words`the tier ${name} is gone` })),
  ]
  if (was.join() !== is.join())
    found.push({
      kind: 'gains',
      danger: 77,
      say: words`the tiers rise in another order: ${now.join(' < ')} instead of ${old.join(' < ')}`,
    })
  return found
}

/** Members that came, and that went. */
const members = (
  old: readonly string[],
  now: readonly string[],
  danger: number,
  more: (names: string) => Words,
  fewer: (names: string) => Words,
): Found[] => {
  const { came, went } = cameAndWent(old, now)
  return [
    ...(came.length === 0 ? [] : [{ kind: 'gains' as const, danger, say: more(allOf(came)) }]),
    ...(went.length === 0 ? [] : [{ kind: 'loses' as const, danger, say: fewer(allOf(went)) }]),
  ]
}

const classText = ({ acr }: BreakGlass): string =>
  acr === undefined ? 'as the tier says' : `of class ${acr}`

const breakGlassChanges = ({ breakGlass: old }: RuleSet, { breakGlass: now }: RuleSet): Found[] => {
  if (old === undefined && now === undefined) return []
  if (now === undefined)
    return [{ kind: 'loses', danger: 75, say: words`nobody can break the glass any more` }]
  if (old === undefined)
    return [
      {
        kind: 'gains',
        danger: 93,
        say: words`${allOf(now.who)} can break the glass: ${now.tier} for ${lengthText(now.for)} with ${String(now.need)} of the keys ${allOf([...now.keys.keys()])}`,
      },
    ]
  const bytes = (glass: typeof now): string[] => [...glass.keys.values()]
  const named = (glass: typeof now, other: typeof now): string[] =>
    [...glass.keys].filter(([, key]) => !bytes(other).includes(key)).map(([name]) => name)
  const [came, went] = [named(now, old), named(old, now)]
  return [
    ...members(
      old.who,
      now.who,
      91,
      (names) => words`${names} can now break the glass`,
      (names) => words`${names} can no longer break the glass`,
    ),
    ...(old.tier === now.tier
      ? []
      : [
          {
            kind: 'gains' as const,
            danger: 89,
            say: words`breaking the glass gives ${now.tier} instead of ${old.tier}`,
          },
        ]),
    ...(old.for === now.for
      ? []
      : loosening(
          now.for > old.for,
          70,
          words`breaking the glass lasts ${lengthText(now.for)} instead of ${lengthText(old.for)}`,
        )),
    ...(old.need === now.need
      ? []
      : loosening(
          now.need < old.need,
          92,
          words`breaking the glass takes ${String(now.need)} instead of ${String(old.need)} of its keys`,
        )),
    ...(old.acr === now.acr
      ? []
      : [
          {
            kind: now.acr === undefined ? ('loosens' as const) : ('changes' as const),
            danger: 87,
            say: words`breaking the glass with the bot takes a sign-in ${classText(now)} instead of one ${classText(old)}`,
          },
        ]),
    ...(came.length === 0
      ? []
      : [
          {
            kind: 'gains' as const,
            danger: 88,
            say: words`the glass can now be broken with the key ${allOf(came)}`,
          },
        ]),
    ...(went.length === 0
      ? []
      : [
          {
            kind: 'loses' as const,
            danger: 55,
            say: words`the glass can no longer be broken with the key ${allOf(went)}`,
          },
        ]),
  ]
}

const commandChanges = ({ incidentCommand: old }: RuleSet, { incidentCommand: now }: RuleSet): Found[] => {
  if (now === undefined)
    return old === undefined
      ? []
      : [{ kind: 'loses', danger: 50, say: words`nobody can add people to an incident any more` }]
  if (old === undefined)
    return [
      {
        kind: 'gains',
        danger: 66,
        say: words`${allOf(now.who)} can add people to an incident, with ${now.cap} at most`,
      },
    ]
  return [
    ...members(
      old.who,
      now.who,
      66,
      (names) => words`${names} can now add people to an incident, with ${now.cap} at most`,
      (names) => words`${names} can no longer add people to an incident`,
    ),
    ...(old.cap === now.cap
      ? []
      : [
          {
            kind: 'gains' as const,
            danger: 65,
            say: words`people who are added to an incident get ${now.cap} at most instead of ${old.cap}`,
          },
        ]),
  ]
}

const lockChanges = ({ lock: old }: RuleSet, { lock: now }: RuleSet): Found[] => {
  if (now === undefined)
    return old === undefined
      ? []
      : [{ kind: 'loosens', danger: 75, say: words`nobody can lock anybody out any more` }]
  if (old === undefined)
    return [
      {
        kind: 'tightens',
        danger: 60,
        say: words`${allOf(now.who)} can lock people out; it takes ${String(now.lift)} of them to let them in again`,
      },
    ]
  return [
    ...members(
      old.who,
      now.who,
      45,
      (names) => words`${names} can now lock people out and let them in again`,
      (names) => words`${names} can no longer lock people out or let them in again`,
    ),
    ...(old.lift === now.lift
      ? []
      : loosening(
          now.lift < old.lift,
          74,
          words`it takes ${String(now.lift)} instead of ${String(old.lift)} people to let somebody in again who was locked out`,
        )),
  ]
}
